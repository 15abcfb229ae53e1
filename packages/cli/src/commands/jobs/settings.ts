import { formatDuration, readDuration } from '@ojs-ts/core';
import { InvalidArgumentError } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { nowOrAhead } from '../times.ts';
import type { Change } from './bulk.ts';
import { priority } from './options.ts';

/** Another start for jobs that wait for one. */
export const reschedule: Change = {
  name: 'reschedule',
  description: 'give scheduled, retryable and pending jobs another start',
  action: 'reschedule',
  verb: 'reschedule',
  done: 'rescheduled',
  setting: {
    takes: (command) =>
      command
        .option('--at <time>', 'when they may start: now, or 2026-01-31T09:00:00Z', nowOrAhead)
        .option('--in <duration>', 'so long after the start of the change, by the clock of the server: 10m', span),
    of: ({ at, in: after }) => {
      if ((at === undefined) === (after === undefined))
        throw new Failure('usage', 'Expected one of --at and --in, such as --in 10m.');
      return JSON.stringify({ scheduled_at: at ?? after });
    },
  },
  byIds: { operation: 'bulk.start', others: 'only scheduled, retryable and pending jobs can be rescheduled.' },
};

/** Another place among the jobs of their queues. */
export const prioritize: Change = {
  name: 'priority',
  description: 'give waiting jobs another priority',
  action: 'priority',
  verb: 'change the priority of',
  done: 'given another priority',
  setting: {
    takes: (command) => command.option('--to <priority>', 'from -100 to 100; a higher one starts first', priority),
    of: ({ to }) => {
      if (to === undefined) throw new Failure('usage', 'Expected a priority, such as --to 10.');
      return JSON.stringify({ priority: to });
    },
  },
  byIds: { operation: 'bulk.start', others: 'they do not wait, or have this priority already.' },
};

/** Reads a duration as a time relative to the server's clock. */
function span(text: string): string {
  const ms = readDuration(text);
  if (ms !== null) return `+${formatDuration(ms)}`;
  throw new InvalidArgumentError('Expected a duration such as 90s, 2h or 7d.');
}
