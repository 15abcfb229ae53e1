import { historyOf } from '../job/history.ts';
import type { JobRecord, Transition } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { type HistoryEvent, historyPurged } from './execution-history.ts';
import { type HistoryPolicy, historyRetention } from './history.ts';

/** The end of the events (oldest first) of a job that its retention keeps (ojs-execution-history §6). */
export function keptHistory(
  events: readonly HistoryEvent[],
  job: JobRecord,
  policy: HistoryPolicy,
  now: Millis,
): readonly HistoryEvent[] {
  if (!policy.enabled) return [];
  const { keepMs } = historyRetention(job, policy);
  const first = events.findIndex(({ timestamp }) => Date.parse(timestamp) >= now - keepMs);
  return first === -1 ? [] : events.slice(Math.max(first, events.length - policy.maxEvents));
}

/** Deletes the past of a job that ended longer ago than its retention; null for another job, and where none is left. */
export function historyExpired(job: JobRecord, policy: HistoryPolicy, now: Millis): Transition | null {
  const { keepMs, deletes } = historyRetention(job, policy);
  if (!deletes || job.finishedAt === null || job.finishedAt >= now - keepMs) return null;
  return historyOf(job).every(({ kind }) => kind === 'purged') ? null : historyPurged(job, now, 'server');
}
