import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import { count, type Item, list, millis, part, percentiles } from '../output/cells.ts';
import { printAnswer } from '../output/format.ts';
import { details, table, type View, view } from '../output/table.ts';
import { serverCommand } from './command.ts';
import { choice, flag, past } from './flags.ts';
import { queryOf } from './row.ts';

const flags = {
  period: choice('--history <period>', 'sums per period instead of the current counts', ['1m', '5m', '1h', '1d']),
  since: flag('--since <time>', 'start of the history: a time, or an age such as 6h (default 1h)', past),
  queue: flag('--queue <name>', 'the history of one queue'),
  type: flag('--type <type>', 'the history of one job type'),
};

const historyColumns = view`
  TIME: timestamp | ENQUEUED>: ${count} | STARTED>: ${count} | PROCESSED>: ${count}
  FAILED>: ${count} | DISCARDED>: ${count}
  WAIT P50>: ${millis} latency_p50_ms | WAIT P95>: ${millis} latency_p95_ms | WAIT P99>: ${millis} latency_p99_ms
  RUN P50>: ${millis} duration_p50_ms | RUN P95>: ${millis} duration_p95_ms | RUN P99>: ${millis} duration_p99_ms`;

/** The order of the states: what waits and runs, then what has ended. */
export const stateLines = view`
  available: ${count} | active: ${count} | scheduled: ${count} | retryable: ${count} | pending: ${count}
  completed: ${count} | cancelled: ${count} | discarded: ${count}`;

const lines: View = [
  ...view`queues: ${queues} | workers: ${workers}`,
  ...stateLines.map(({ title, cell }) => ({ title, cell: (stats: Item) => cell(part(stats, 'jobs')) })),
  ...view`dead letter: ${count} jobs.dead_letter | completed, last hour: ${count} completed_last_hour
    failed, last hour: ${count} failed_last_hour | wait, last hour: ${percentiles} latency_ms
    run, last hour: ${percentiles} duration_ms`,
];

/** `ojs stats`: sums over all queues, or sums by period. */
export function statsCommand(): Command {
  const takes = { flags, also: ['json', 'watch'] as const };
  return serverCommand('stats', 'count jobs, queues and workers', takes, async (server, values) => {
    const query = queryOf(flags, values);
    if (values.period === undefined && Object.keys(query).length > 0)
      throw new Failure('usage', 'Expected --history with --since, --queue and --type.');
    const operation = values.period === undefined ? 'admin.stats' : 'admin.history';
    const { text } = await server.ask({ operation, query });
    printAnswer(text, values, () => {
      const answer: Item = JSON.parse(text);
      return values.period === undefined
        ? details(lines, answer)
        : table(historyColumns, list(answer, 'data').filter(isObject));
    });
  });
}

function queues(stats: Item): string {
  return `${count(stats, 'queues')}, ${count(stats, 'paused_queues')} paused`;
}

function workers(stats: Item): string {
  const by = part(stats, 'workers_by_state');
  return `${count(by, 'total')}, ${count(by, 'running')} running, ${count(by, 'stale')} stale`;
}
