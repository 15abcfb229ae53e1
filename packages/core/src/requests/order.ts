/** `sort` and `order` of a list (ojs-admin-api §7.1). */
import { ProtocolError } from '../errors.ts';
import { dueStates, type JobOrder, newestFirst } from '../job/order.ts';
import type { JobFilter } from '../job/selection.ts';
import { State } from '../job/states.ts';

const sorts = { created_at: 'created', scheduled_at: 'due', priority: 'priority' } as const;

/**
 * The order of the list of jobs that the filter chooses; `desc` by default.
 * @throws ProtocolError `unsupported` where no index has the order.
 */
export function readOrder(
  {
    sort,
    order: direction = newestFirst.direction,
  }: { readonly sort?: keyof typeof sorts; readonly order?: JobOrder['direction'] },
  filter: JobFilter,
): JobOrder {
  const by = sort === undefined ? newestFirst.by : sorts[sort];
  const { states, queue, deadLetter, fingerprint } = filter;
  const isIndexed =
    by === 'created' ||
    (by === 'due' ? (states & ~dueStates) === 0 : states === State.available && queue !== undefined);
  const isByCreation = deadLetter === true || fingerprint !== undefined;
  if (isIndexed && !(isByCreation && by !== 'created')) return { by, direction };
  throw new ProtocolError(
    'unsupported',
    `This server cannot sort these jobs by ${sort}.`,
    { field: 'sort' },
    'sort=created_at works for every list. sort=scheduled_at works with states=scheduled,retryable or one of them; ' +
      'sort=priority with state=available and a queue.',
  );
}
