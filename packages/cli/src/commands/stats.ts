import { isObject } from '@ojs-ts/core';
import { type Command, Option } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server, ServerFlags } from '../connection/server.ts';
import { count, type Item, list, part, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { type Column, fields, table } from '../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { serverCommand } from './command.ts';
import { pages } from './list.ts';
import { wholeQueue } from './queues/queues.ts';
import { stateColumns } from './queues/states.ts';
import { past } from './times.ts';
import { filled } from './values.ts';

interface StatsFlags extends ServerFlags, FormatFlags, WatchFlags {
  readonly history?: string;
  readonly since?: string;
  readonly queue?: string;
}

/** `ojs stats`: sums over all queues, or sums by period. */
export function statsCommand(): Command {
  const command = serverCommand<StatsFlags>('stats', 'count jobs, queues and workers', (server, flags) =>
    watching(flags, async () => {
      if (flags.history !== undefined) return printHistory(server, flags);
      if (flags.since !== undefined || flags.queue !== undefined)
        throw new Failure('usage', 'Expected --history with --since and --queue.');
      printAnswer(JSON.stringify(await statsOf(server)), flags, (answer) => describe(JSON.parse(answer)));
    }),
  );
  return takesWatch(takesJson(command))
    .addOption(
      new Option('--history <period>', 'sums by period in place of the present').choices(['1m', '5m', '1h', '1d']),
    )
    .option('--since <time>', 'where the history begins: a time, or an age such as 6h (default 1h)', past)
    .option('--queue <name>', 'the history of one queue', filled);
}

const numbers = ['enqueued', 'started', 'processed', 'failed', 'discarded'] as const;
const columns: readonly Column<Item>[] = [
  { title: 'TIME', cell: (item) => text(item, 'timestamp') },
  ...numbers.map(
    (name): Column<Item> => ({ title: name.toUpperCase(), cell: (item) => count(item, name), align: 'right' }),
  ),
  { title: 'MEAN WAIT', cell: (item) => millis(item, 'latency_mean_ms'), align: 'right' },
  { title: 'MEAN RUN', cell: (item) => millis(item, 'duration_mean_ms'), align: 'right' },
];

async function printHistory(server: Server, flags: StatsFlags): Promise<void> {
  const { history: period, since, queue } = flags;
  const { text: answer } = await server.ask({ operation: 'admin.history', query: { period, since, queue } });
  printAnswer(answer, flags, (shown) => table(columns, list(JSON.parse(shown), 'data').filter(isObject)));
}

function millis(item: Item, name: string): string {
  return typeof item[name] === 'number' ? `${count(item, name)} ms` : '';
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
