import type { Command } from 'commander';
import type { Server, ServerFlags } from '../connection/server.ts';
import { count, type Item, part } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { fields } from '../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { serverCommand } from './command.ts';
import { pages } from './list.ts';
import { wholeQueue } from './queues/queues.ts';
import { stateColumns } from './queues/states.ts';

/** `ojs stats`: sums over all queues. */
export function statsCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & WatchFlags>(
    'stats',
    'count jobs, queues and workers',
    (server, flags) =>
      watching(flags, async () => {
        printAnswer(JSON.stringify(await statsOf(server)), flags, (answer) => describe(JSON.parse(answer)));
      }),
  );
  return takesWatch(takesJson(command));
}

async function statsOf(server: Server): Promise<object> {
  const sums: Record<string, number> = {};
  const add = (name: string, value: unknown) => {
    sums[name] = (sums[name] ?? 0) + (typeof value === 'number' ? value : 0);
  };
  let [queues, paused] = [0, 0];
  const list = { operation: 'queue.list', member: 'queues' } as const;
  for await (const { items } of pages(server, list, {}, Number.POSITIVE_INFINITY)) {
    for (const item of items) {
      const whole = await wholeQueue(server, item);
      if (whole === null) continue;
      const queue: Item = JSON.parse(whole);
      queues++;
      if (queue.paused === true) paused++;
      for (const state of [...stateColumns, 'dead_letter']) add(state, part(queue, 'counts')[state]);
      for (const name of ['completed_last_hour', 'failed_last_hour']) add(name, part(queue, 'stats')[name]);
    }
  }
  const workers = await server.askFor({ operation: 'worker.list', query: { limit: 1 } });
  return { queues, paused, jobs: sums, workers: JSON.parse(workers.get('summary') ?? '{}') };
}

function describe(stats: Item): string {
  const [jobs, workers] = [part(stats, 'jobs'), part(stats, 'workers')];
  return fields([
    ['queues', `${count(stats, 'queues')}, ${count(stats, 'paused')} paused`],
    ['workers', `${count(workers, 'total')}, ${count(workers, 'running')} running, ${count(workers, 'stale')} stale`],
    ...stateColumns.map((state) => [state, count(jobs, state)] as const),
    ['dead letter', count(jobs, 'dead_letter')],
    ['completed, last hour', count(jobs, 'completed_last_hour')],
    ['failed, last hour', count(jobs, 'failed_last_hour')],
  ]);
}
