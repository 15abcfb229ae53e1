import type { Json } from '../job/job.ts';
import { objectText } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type BulkOperation, timeLeft, whyNotUndone } from './operation.ts';

/** The text that replaces a query or filter that the caller may not see. */
const hidden = '"[hidden]"';

/** @param isHidden whether the caller may not see what the operation searched for. */
export function renderBulkOperation(operation: BulkOperation, now: Millis, isHidden = false): Json {
  const { id, action, of, selection, changes, queue, by, rate, error, undoneBy } = operation;
  const { matched, isLowerBound, done, changed, skipped } = operation;
  const { query, filter } = selection;
  const time = (at: Millis | null) => (at === null ? null : formatTimestamp(at));
  const head = JSON.stringify({
    id,
    action,
    state: operation.state,
    ...(of !== null && { undoes: of }),
  }).slice(0, -1);
  const about = [
    ...(query === null ? [] : [`,"query":${isHidden ? hidden : JSON.stringify(query)}`]),
    ...(filter === null ? [] : [`,"filter":${isHidden ? hidden : filter}`]),
    ...(Object.keys(changes).length === 0 ? [] : [`,"changes":${objectText(Object.entries(changes))}`]),
  ].join('');
  const why = operation.state === 'running' ? 'The operation is running: stop it first.' : whyNotUndone(operation);
  const rest = JSON.stringify({
    queue,
    rate,
    matched,
    matched_is_lower_bound: isLowerBound,
    done,
    changed,
    skipped,
    time_left_ms: timeLeft(operation, now),
    created_by: by,
    started_at: time(operation.startedAt),
    finished_at: time(operation.finishedAt),
    undo:
      undoneBy === null
        ? { possible: why === null, ...(why !== null && { reason: why }) }
        : { possible: false, by: undoneBy },
    ...(error !== null && { error }),
  });
  return `${head}${about},${rest.slice(1)}`;
}
