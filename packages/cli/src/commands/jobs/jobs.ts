import { type Command, Option } from 'commander';
import type { ServerFlags } from '../../connection/server.ts';
import { printItems } from '../../output/format.ts';
import { actionCommand } from '../action.ts';
import { group, serverCommand } from '../command.ts';
import { type ListFlags, listCommand, pages } from '../list.ts';
import { bulkCommand, type Change } from './bulk.ts';
import { jobColumns } from './columns.ts';
import { editCommand } from './edit.ts';
import { type FilterFlags, queryOf, takesQuery } from './filter.ts';
import { groupsCommand } from './groups.ts';
import { historyCommand } from './history.ts';
import { rerunCommand } from './rerun.ts';
import { prioritize, reschedule } from './settings.ts';
import { showCommand } from './show.ts';

const job = { param: 'id', about: 'id of the job' } as const;
const jobs = { operation: 'job.list', member: 'jobs', columns: jobColumns, what: 'jobs' } as const;
const changes: readonly Change[] = [
  {
    name: 'retry',
    description: 'make discarded and retryable jobs available again',
    action: 'retry',
    verb: 'retry',
    done: 'retried',
    byIds: { operation: 'bulk.retry', member: 'job_ids' },
  },
  {
    name: 'cancel',
    description: 'cancel jobs; by a filter those that wait',
    action: 'cancel',
    verb: 'cancel',
    done: 'cancelled',
    byIds: { operation: 'bulk.cancel', member: 'job_ids' },
  },
  {
    name: 'discard',
    description: 'end jobs without another attempt; by a filter those that wait',
    action: 'discard',
    verb: 'discard',
    done: 'discarded',
    byIds: { operation: 'job.discard' },
  },
  {
    name: 'promote',
    description: 'make scheduled and retryable jobs available now',
    action: 'promote',
    verb: 'promote',
    done: 'promoted',
    byIds: { operation: 'bulk.start', others: 'only scheduled and retryable jobs can be promoted.' },
  },
  {
    name: 'delete',
    description: 'delete finished jobs for good',
    action: 'delete',
    verb: 'delete',
    done: 'deleted',
    byIds: { operation: 'bulk.delete', member: 'job_ids' },
  },
  reschedule,
  prioritize,
];

/** `ojs jobs`. */
export function jobsCommand(): Command {
  return group('jobs', 'look at jobs and change them', [
    sortedListCommand(),
    showCommand(),
    historyCommand(),
    groupsCommand(),
    exportCommand(),
    editCommand(),
    rerunCommand(),
    ...changes.map(bulkCommand),
    actionCommand('activate', 'make a pending job available', {
      ...job,
      operation: 'job.activate',
      said: (id) => `Job ${id} is available.`,
    }),
  ]);
}

interface SortFlags {
  readonly sort?: string;
  readonly order?: string;
}

function sortedListCommand(): Command {
  const command = listCommand<ListFlags & FilterFlags & SortFlags>(
    'list',
    'list jobs, newest first',
    jobs,
    ({ sort, order, ...filter }) => ({ ...queryOf(filter), sort, order }),
  );
  const sort = 'by this: scheduled_at of scheduled and retryable jobs, priority of available jobs of a queue';
  return takesQuery(command)
    .addOption(new Option('--sort <field>', sort).choices(['created_at', 'scheduled_at', 'priority']))
    .addOption(new Option('--order <order>', 'the least or the most first').choices(['asc', 'desc']));
}

function exportCommand(): Command {
  const description = 'write jobs as lines of JSON to standard output';
  const command = serverCommand<ServerFlags & FilterFlags>('export', description, async (server, flags) => {
    for await (const { items } of pages(server, jobs, queryOf(flags), Number.POSITIVE_INFINITY))
      printItems(items, { ndjson: true }, () => '');
  });
  return takesQuery(command);
}
