import type { MinuteRecord, Registry } from '../storage.ts';
import { integerOrNull, listOf, type Reply, text } from './connection/reply.ts';
import type { Scripts } from './connection/scripts.ts';

/** Minutes of queues that one script reads, about 5 ms; between two of them other scripts run. */
const atOnce = 1000;

export function statistics(scripts: Scripts): Pick<Registry, 'statistics'> {
  return {
    async statistics(since, until = Number.POSITIVE_INFINITY) {
      const found: MinuteRecord[] = [];
      for (let after = ''; ; ) {
        const cells = listOf(await scripts.run('statistics', [after, since, atOnce]));
        for (let at = 0; at < cells.length; at += 2) {
          const record = readMinute(text(cells[at]), cells[at + 1]);
          if (record.minute >= until) return found;
          found.push(record);
        }
        if (cells.length < 2 * atOnce) return found;
        after = text(cells.at(-2));
      }
    },
  };
}

/** @param name `minute:queue`. */
function readMinute(name: string, reply: Reply | undefined): MinuteRecord {
  const [enqueued = 0, started = 0, completed = 0, failed = 0, discarded = 0, durationMs = 0, waitMs = 0] = listOf(
    reply,
  ).map((sum) => integerOrNull(sum) ?? 0);
  const colon = name.indexOf(':');
  const [minute, queue] = [Number(name.slice(0, colon)), name.slice(colon + 1)];
  return { queue, minute, enqueued, started, completed, failed, discarded, durationMs, waitMs };
}
