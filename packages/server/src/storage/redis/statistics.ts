import { newFigures, type Sums, sumNames } from '@ojs-ts/core/statistics';
import type { MinuteRecord, Registry } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { listOf, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

/** Minutes that one script reads, about 5 ms; between two of them other scripts run. */
const atOnce = 500;

/** The fields of the sums: see lua/hot/statistics.lua. */
const letters: Readonly<Record<keyof Sums, string>> = {
  enqueued: 'e',
  started: 's',
  completed: 'c',
  failed: 'f',
  retried: 'r',
  discarded: 'd',
  cancelled: 'x',
  expired: 'p',
  durationMs: 'u',
  discardedMs: 'v',
  cancelledMs: 'y',
  waitMs: 'w',
  waitAgainMs: 'a',
};
const names = new Map(sumNames.map((name) => [letters[name], name]));

export function statistics(scripts: Scripts): Pick<Registry, 'statistics' | 'minuteBehind'> {
  return {
    async statistics(since, until, queues) {
      if (queues?.length === 0) return [];
      const names = [...new Set(queues)].sort().join(',');
      const end = until === undefined ? '+inf' : `(${until}`;
      const found: MinuteRecord[] = [];
      for (let after = ''; ; ) {
        const [next, ...cells] = listOf(await scripts.run('statistics', [after, since, end, atOnce, names]));
        for (let at = 0; at < cells.length; at += 2) found.push(readMinute(text(cells[at]), cells[at + 1]));
        after = text(next);
        if (after === '') return found;
      }
    },

    async minuteBehind(count, since, until) {
      const [name] = listOf(await scripts.run('minute_behind', [since, `(${until}`, count]));
      return name === undefined ? null : Number(text(name).split(':', 1)[0]);
    },
  };
}

/** As lua/hot/statistics.lua writes it: the name in the list of minutes, and the fields of the hash. */
export function packMinute({ minute, queue, type, histogram, ...sums }: MinuteRecord): {
  readonly name: string;
  readonly fields: Readonly<Record<string, number>>;
} {
  const counted = sumNames.filter((name) => sums[name] > 0).map((name) => [letters[name], sums[name]]);
  return { name: `${minute}:${queue},${type}`, fields: { ...Object.fromEntries(counted), ...histogram } };
}

function readMinute(packed: string, reply: Packed | undefined): MinuteRecord {
  const [colon, comma] = [packed.indexOf(':'), packed.indexOf(',')];
  const figures = newFigures();
  const cells = listOf(reply);
  for (let at = 0; at < cells.length; at += 2) {
    const field = text(cells[at]);
    const name = names.get(field);
    const value = Number(cells[at + 1]);
    if (name === undefined) figures.histogram[Number(field)] = value;
    else figures[name] = value;
  }
  const place = { queue: packed.slice(colon + 1, comma), type: packed.slice(comma + 1) };
  return { minute: Number(packed.slice(0, colon)), ...place, ...figures };
}
