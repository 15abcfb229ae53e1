/** `sort` and `order` of a list (ojs-admin-api §7.1). */
import { ProtocolError } from '../errors.ts';
import { dueStates, type JobOrder, newestFirst } from '../job/order.ts';
import type { JobFilter } from '../job/selection.ts';
import { State } from '../job/states.ts';
import { didYouMean } from '../suggestion.ts';
import type { Query } from './pages.ts';

const sorts: Readonly<Record<string, JobOrder['by']>> = {
  created_at: 'created',
  scheduled_at: 'due',
  priority: 'priority',
};
const directions: Readonly<Record<string, JobOrder['direction']>> = { asc: 'asc', desc: 'desc' };

/**
 * The direction that the query names; null without one.
 * @throws ProtocolError `invalid_request`
 */
export function readDirection(query: Query): JobOrder['direction'] | null {
  return word(query.order, 'query.order', directions);
}

/**
 * The order of the list of jobs that the filter chooses; `desc` by default.
 * @throws ProtocolError `invalid_request` for another word; `unsupported` where no index has the order.
 */
export function readOrder(query: Query, filter: JobFilter): JobOrder {
  const by = word(query.sort, 'query.sort', sorts) ?? newestFirst.by;
  const direction = readDirection(query) ?? newestFirst.direction;
  const { states, queue, deadLetter, fingerprint } = filter;
  const isIndexed =
    by === 'created' ||
    (by === 'due' ? (states & ~dueStates) === 0 : states === State.available && queue !== undefined);
  const isByCreation = deadLetter === true || fingerprint !== undefined;
  if (isIndexed && !(isByCreation && by !== 'created')) return { by, direction };
  throw new ProtocolError(
    'unsupported',
    `This server cannot sort these jobs by ${query.sort}.`,
    { field: 'sort' },
    'sort=created_at works for every list. sort=scheduled_at works with states=scheduled,retryable or one of them; ' +
      'sort=priority with state=available and a queue.',
  );
}

function word<T>(given: string | undefined, path: string, words: Readonly<Record<string, T>>): T | null {
  if (given === undefined || given === '') return null;
  if (Object.hasOwn(words, given)) return words[given] ?? null;
  const known = Object.keys(words);
  throw ProtocolError.invalid([{ path, message: `must be one of ${known.join(', ')}.${didYouMean(given, known)}` }]);
}
