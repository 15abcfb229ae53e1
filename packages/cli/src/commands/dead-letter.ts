import type { Command } from 'commander';
import { age, count, type Item, moment, part } from '../output/cells.ts';
import { plain } from '../output/plain.ts';
import { fields, type Line, view } from '../output/table.ts';
import { group } from './command.ts';
import { bulkCommand } from './jobs/bulk.ts';
import { subjectFlags } from './jobs/filter.ts';
import { describeJob, jobColumns } from './jobs/show.ts';
import { listCommand } from './list.ts';
import { change, look } from './row.ts';

const args = { id: 'id of the job' };

/** `ojs dead-letter`: discarded jobs that are kept for a decision. */
export function deadLetterCommand(): Command {
  const columns = jobColumns.filter(({ title }) => title !== 'STATE' && title !== 'AGE');
  return group(
    'dead-letter',
    'failed jobs with onExhaustion dead_letter: list, run again, delete; others: ojs jobs list --state discarded',
    [
      listCommand('list', 'list jobs of the dead letter', 'deadLetter.list', {
        what: 'dead letters',
        member: 'jobs',
        columns: [...columns, ...view`DEAD FOR>: ${age} discarded_at`],
        flags: subjectFlags('discarded'),
      }),
      look('show', 'show a job of the dead letter', 'deadLetter.get', { args, member: 'job', shown: describeJob }),
      look('stats', 'count the dead letter by queue and by error', 'deadLetter.stats', { shown: describeStats }),
      bulkCommand('retry', 'run jobs of the dead letter again', {
        isDead: true,
        action: 'redrive',
        verb: 'retry',
        byIds: { operation: 'deadLetter.retryMany', member: 'ids' },
      }),
      change('delete', 'delete a job of the dead letter', 'deadLetter.delete', {
        args,
        question: (id) => `Shall I delete the job ${id}?`,
        shown: (_, id) => `Job ${id} is deleted.`,
      }),
      bulkCommand('purge', 'delete all jobs of the dead letter that match', {
        isDead: true,
        action: 'purge',
        verb: 'purge',
      }),
    ],
  );
}

function describeStats(item: Item): string {
  const counts = (name: string, prefix: string) =>
    Object.keys(part(item, name)).map((key): Line => [`${prefix} ${plain(key)}`, count(part(item, name), key)]);
  return fields([
    ['jobs', count(item, 'total')],
    ...counts('by_queue', 'queue'),
    ...counts('by_error_type', 'error'),
    ['oldest', moment(item, 'oldest_at')],
    ['newest', moment(item, 'newest_at')],
  ]);
}
