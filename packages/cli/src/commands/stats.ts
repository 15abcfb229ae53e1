import { isObject } from '@ojs-ts/core';
import { type Command, Option } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server, ServerFlags } from '../connection/server.ts';
import { count, type Item, list, part, percentiles, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { type Column, fields, table } from '../output/table.ts';
import { takesWatch, type WatchFlags, watching } from '../output/watch.ts';
import { serverCommand } from './command.ts';
import { stateColumns } from './queues/queues.ts';
import { past } from './times.ts';
import { filled } from './values.ts';

interface StatsFlags extends ServerFlags, FormatFlags, WatchFlags {
  readonly history?: string;
  readonly since?: string;
  readonly queue?: string;
  readonly type?: string;
}

/** `ojs stats`: sums over all queues, or sums by period. */
export function statsCommand(): Command {
  const command = serverCommand<StatsFlags>('stats', 'count jobs, queues and workers', (server, flags) =>
    watching(flags, async () => {
      if (flags.history !== undefined) return printHistory(server, flags);
      if (flags.since !== undefined || flags.queue !== undefined || flags.type !== undefined)
        throw new Failure('usage', 'Expected --history with --since, --queue and --type.');
      const { text: answer } = await server.ask({ operation: 'admin.stats' });
      printAnswer(answer, flags, (shown) => describe(JSON.parse(shown)));
    }),
  );
  return takesWatch(takesJson(command))
    .addOption(
      new Option('--history <period>', 'sums by period in place of the present').choices(['1m', '5m', '1h', '1d']),
    )
    .option('--since <time>', 'where the history begins: a time, or an age such as 6h (default 1h)', past)
    .option('--queue <name>', 'the history of one queue', filled)
    .option('--type <type>', 'the history of one job type', filled);
}

const numbers = ['enqueued', 'started', 'processed', 'failed', 'discarded'] as const;
const columns: readonly Column<Item>[] = [
  { title: 'TIME', cell: (item) => text(item, 'timestamp') },
  ...numbers.map(
    (name): Column<Item> => ({ title: name.toUpperCase(), cell: (item) => count(item, name), align: 'right' }),
  ),
  ...durationColumns('WAIT', 'latency'),
  ...durationColumns('RUN', 'duration'),
];

async function printHistory(server: Server, flags: StatsFlags): Promise<void> {
  const { history: period, since, queue, type } = flags;
  const { text: answer } = await server.ask({ operation: 'admin.history', query: { period, since, queue, type } });
  printAnswer(answer, flags, (shown) => table(columns, list(JSON.parse(shown), 'data').filter(isObject)));
}

function durationColumns(title: string, name: string): readonly Column<Item>[] {
  return [50, 95, 99].map((share) => ({
    title: `${title} P${share}`,
    cell: (item) => millis(item, `${name}_p${share}_ms`),
    align: 'right',
  }));
}

function millis(item: Item, name: string): string {
  return typeof item[name] === 'number' ? `${count(item, name)} ms` : '';
}

function describe(stats: Item): string {
  const [jobs, workers] = [part(stats, 'jobs'), part(stats, 'workers_by_state')];
  return fields([
    ['queues', `${count(stats, 'queues')}, ${count(stats, 'paused_queues')} paused`],
    ['workers', `${count(workers, 'total')}, ${count(workers, 'running')} running, ${count(workers, 'stale')} stale`],
    ...stateColumns.map((state) => [state, count(jobs, state)] as const),
    ['dead letter', count(jobs, 'dead_letter')],
    ['completed, last hour', count(stats, 'completed_last_hour')],
    ['failed, last hour', count(stats, 'failed_last_hour')],
    ['wait, last hour', percentiles(stats, 'latency_ms')],
    ['run, last hour', percentiles(stats, 'duration_ms')],
  ]);
}
