import { members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { age, count, type Item, moment, part } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { fields } from '../output/table.ts';
import { actionCommand } from './action.ts';
import { group, serverCommand } from './command.ts';
import { detailCommand } from './detail.ts';
import { bulkCommand } from './jobs/bulk.ts';
import { jobColumns } from './jobs/columns.ts';
import { type FilterFlags, filterOf, takesSubject } from './jobs/filter.ts';
import { describeJob } from './jobs/show.ts';
import { type ListFlags, listCommand } from './list.ts';

const job = { param: 'id', about: 'id of the job' } as const;

/** `ojs dead-letter`: discarded jobs that are kept for a decision. */
export function deadLetterCommand(): Command {
  return group('dead-letter', 'look at the dead letter, run its jobs again or delete them', [
    takesSubject(
      listCommand<ListFlags & FilterFlags>(
        'list',
        'list jobs of the dead letter',
        {
          operation: 'deadLetter.list',
          member: 'jobs',
          what: 'dead letters',
          columns: [
            ...jobColumns.filter(({ title }) => title !== 'STATE' && title !== 'AGE'),
            { title: 'DEAD FOR', cell: (item) => age(item, 'discarded_at'), align: 'right' },
          ],
        },
        filterOf,
      ),
      'discarded',
    ),
    detailCommand('show a job of the dead letter', {
      ...job,
      operation: 'deadLetter.get',
      describe: (answer) => describeJob(members(answer).get('job') ?? answer),
    }),
    statsCommand(),
    bulkCommand({
      name: 'retry',
      description: 'run jobs of the dead letter again',
      action: 'redrive',
      verb: 'retry',
      done: 'retried',
      byIds: { operation: 'deadLetter.retryMany', member: 'ids' },
      isDead: true,
    }),
    actionCommand('delete', 'delete a job of the dead letter', {
      ...job,
      operation: 'deadLetter.delete',
      said: (id) => `Job ${id} is deleted.`,
      question: (id) => `Shall I delete the job ${id}?`,
    }),
    bulkCommand({
      name: 'purge',
      description: 'delete all jobs of the dead letter that match',
      action: 'purge',
      verb: 'purge',
      done: 'deleted',
      isDead: true,
    }),
  ]);
}

function statsCommand(): Command {
  return takesJson(
    serverCommand<ServerFlags & FormatFlags>(
      'stats',
      'count the dead letter by queue and by error',
      async (server, flags) => {
        const { text: answer } = await server.ask({ operation: 'deadLetter.stats' });
        printAnswer(answer, flags, describeStats);
      },
    ),
  );
}

function describeStats(answer: Json): string {
  const item: Item = JSON.parse(answer);
  const counts = (name: string, prefix: string) =>
    Object.keys(part(item, name)).map((key) => [`${prefix} ${plain(key)}`, count(part(item, name), key)] as const);
  return fields([
    ['jobs', count(item, 'total')],
    ...counts('by_queue', 'queue'),
    ...counts('by_error_type', 'error'),
    ['oldest', moment(item, 'oldest_at')],
    ['newest', moment(item, 'newest_at')],
  ]);
}
