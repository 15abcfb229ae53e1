import type { Command } from 'commander';
import { age, text } from '../../output/cells.ts';
import { printItems } from '../../output/format.ts';
import { view } from '../../output/table.ts';
import { group, serverCommand } from '../command.ts';
import { choice, flag, isoSpan, nowOrAhead } from '../flags.ts';
import { listCommand, pages } from '../list.ts';
import { change, look, queryOf } from '../row.ts';
import { bulkCommand } from './bulk.ts';
import { editCommand, rerunCommand } from './edit.ts';
import { filterFlags } from './filter.ts';
import { groupsCommand } from './groups.ts';
import { priority } from './options.ts';
import { describeHistory, describeJob, jobColumns } from './show.ts';
import { signalCommand } from './signal.ts';
import { stepsCommand } from './steps.ts';

const args = { id: 'id of the job' };
const after = 'so long after the start of the change, by the clock of the server: 10m';
const sort = 'created_at; scheduled_at for scheduled and retryable jobs; priority for available jobs of one queue';

/** `ojs jobs`. */
export function jobsCommand(): Command {
  return group('jobs', 'show jobs and change them', [
    listCommand('list', 'list jobs, newest first', 'job.list', {
      what: 'jobs',
      member: 'jobs',
      columns: jobColumns,
      flags: {
        ...filterFlags,
        sort: choice('--sort <field>', sort, ['created_at', 'scheduled_at', 'priority']),
        order: choice('--order <order>', 'smallest or largest first', ['asc', 'desc']),
      },
    }),
    look('show', 'show a job with its arguments, result and errors', 'job.get', {
      args,
      member: 'job',
      shown: describeJob,
    }),
    look('history', 'show what happened to a job, oldest first', 'job.history', {
      args,
      query: { limit: 1_000 },
      shown: describeHistory,
    }),
    stepsCommand(),
    signalCommand(),
    listCommand('mailboxes', 'list tokens that jobs wait for, or that have unread signals', 'signal.list', {
      what: 'mailboxes',
      member: 'mailboxes',
      columns: view`TOKEN | UNREAD>: unread | OLDEST>: ${age} oldest_at | JOB: job_id | STEP`,
    }),
    change('wake', 'end waits of a job: a sleep is over, a wait for a signal times out', 'job.wake', {
      args,
      flags: { names: flag('--name <name>', 'only the wait in this step; may be repeated', eachName) },
      shown: (job, id) => `Job ${id} is ${text(job, 'state')}.`,
    }),
    change('undo', 'undo the durable steps of a finished job, in a job of its own', 'job.undo', {
      args,
      shown: (job, id) => `Job ${text(job, 'id')} undoes the steps of job ${id}.`,
    }),
    groupsCommand(),
    exportCommand(),
    editCommand(),
    rerunCommand(),
    bulkCommand('retry', 'make discarded and retryable jobs available again', {
      action: 'retry',
      byIds: { operation: 'bulk.retry', member: 'job_ids' },
    }),
    bulkCommand('cancel', 'cancel jobs; by a filter those that wait', {
      action: 'cancel',
      byIds: { operation: 'bulk.cancel', member: 'job_ids' },
    }),
    bulkCommand('discard', 'end jobs without another attempt; by a filter those that wait', {
      action: 'discard',
      byIds: { operation: 'job.discard' },
    }),
    bulkCommand('promote', 'make scheduled and retryable jobs available now', {
      action: 'promote',
      byIds: { operation: 'bulk.start', others: 'only scheduled and retryable jobs can be promoted.' },
    }),
    bulkCommand('delete', 'delete finished jobs for good', {
      action: 'delete',
      byIds: { operation: 'bulk.delete', member: 'job_ids' },
    }),
    bulkCommand('reschedule', 'give scheduled, retryable and pending jobs another start', {
      action: 'reschedule',
      setting: {
        member: 'scheduled_at',
        flags: {
          at: flag('--at <time>', 'when they may start: now, or 2026-01-31T09:00:00Z', nowOrAhead),
          in: flag('--in <duration>', after, (text) => `+${isoSpan(text)}`),
        },
        expected: 'Expected one of --at and --in, such as --in 10m.',
      },
      byIds: { operation: 'bulk.start', others: 'only scheduled, retryable and pending jobs can be rescheduled.' },
    }),
    bulkCommand('priority', 'give waiting jobs another priority', {
      action: 'priority',
      verb: 'change the priority of',
      setting: {
        member: 'priority',
        flags: { to: flag('--to <priority>', 'from -100 to 100; a higher one starts first', priority) },
        expected: 'Expected a priority, such as --to 10.',
      },
      byIds: { operation: 'bulk.start', others: 'they do not wait, or have this priority already.' },
    }),
    change('activate', 'make a pending job available', 'job.activate', {
      args,
      shown: (_, id) => `Job ${id} is available.`,
    }),
  ]);
}

/** A name may have commas. */
function eachName(name: string, before: readonly string[] = []): readonly string[] {
  return [...before, name];
}

function exportCommand(): Command {
  const about = 'write jobs as lines of JSON to standard output';
  return serverCommand('export', about, { flags: filterFlags }, async (server, values) => {
    const query = queryOf(filterFlags, values);
    for await (const { items } of pages(server, 'job.list', 'jobs', query, Number.POSITIVE_INFINITY))
      printItems(items, { ndjson: true }, () => '');
  });
}
