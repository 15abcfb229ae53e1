import { planOf } from '@ojs-ts/core/query';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { onSummary } from '../../live/refresh.ts';
import { hasQueue, type Summary } from '../../live/summary.ts';
import { JobList, type JobListQuery, type JobListState } from './job-list.ts';
import { conditionOf } from './query.ts';

/** Between two refreshes at the top of the list, in milliseconds. */
const refreshMs = 1_000;
/** Jobs that the server reads for a list that follows the events. */
const mostRead = 1_000;

export interface LiveJobList {
  readonly list: JobList;
  readonly state: JobListState;
  /** The last list is shown until this one is there. */
  readonly isLast: boolean;
  /** Events that may have changed the list since it was read. */
  readonly changes: number;
  readonly refresh: () => void;
}

/**
 * A list that follows the events while `isFollowing`. Otherwise the rows stay where they are under the reader, and the
 * changes are counted.
 */
export function useJobList({ q, sort, order }: JobListQuery, isFollowing: boolean): LiveJobList {
  const list = useMemo(() => new JobList({ q, sort, order }), [q, sort, order]);
  const current = useSyncExternalStore(list.subscribe, list.state);
  const last = useRef(current);
  if (current.isLoaded) last.current = current;
  const isLast = !current.isLoaded && current.error === null && last.current.isLoaded;
  const [changes, setChanges] = useState(0);
  const following = useRef(isFollowing);
  following.current = isFollowing;
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    if (conditionOf(q) === null) return;
    let waiting = 0;
    let told = 0;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const refresh = (): void => {
      waiting = 0;
      told = 0;
      setChanges(0);
      void list.refresh();
    };
    const follow = (): void => {
      timer = null;
      if (waiting === told) return;
      const { isReading, search } = list.state();
      const isCheap = (search?.scanned ?? 0) <= mostRead;
      // A read in progress is not repeated: a slow server would never get to an end.
      if (following.current && isCheap && !isReading) refresh();
      else if (!following.current || !isCheap) {
        told = waiting;
        setChanges(waiting);
      }
      timer = setTimeout(follow, refreshMs);
    };
    again.current = refresh;
    refresh();
    const stop = onSummary((summary) => {
      const count = changesIn(summary, q);
      if (count === 0) return;
      waiting += count;
      if (timer === null) follow();
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
      list.stop();
    };
  }, [list, q]);

  // Back at the top, what has waited is shown.
  useEffect(() => {
    if (isFollowing && changes > 0 && (list.state().search?.scanned ?? 0) <= mostRead) again.current();
  }, [isFollowing, changes, list]);

  return { list, state: isLast ? last.current : current, isLast, changes, refresh: () => again.current() };
}

const withoutEffect: ReadonlySet<string> = new Set(['job.heartbeat', 'job.progress', 'job.checkpointed']);

/** How many events of the summary may have changed the list. */
function changesIn(summary: Summary, q: string): number {
  if (summary.gap) return 1;
  const condition = conditionOf(q);
  const plan = condition === null ? null : planOf(condition, Date.now());
  if (plan?.kind === 'list' && plan.query.queue !== undefined && !hasQueue(summary, plan.query.queue)) return 0;
  return Object.entries(summary.types).reduce(
    (sum, [type, count]) => sum + (type.startsWith('job.') && !withoutEffect.has(type) ? count : 0),
    0,
  );
}
