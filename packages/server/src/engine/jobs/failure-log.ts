import { elements } from '@ojs-ts/core';
import { type HistoryEntry, type JobRecord, State, stateName, type Transition } from '@ojs-ts/core/job';
import type { EngineLog } from '../options.ts';

/** Characters of an error's message. */
const maxMessage = 1_000;

/**
 * A line for an execution that has failed (ojs-logging §6.3), at every level up to its own and never sampled. The line
 * has the type, code and message of the error, and leaves out its details and backtrace.
 * @param job before the change.
 */
export function logFailure(log: EngineLog, job: JobRecord, { to, history }: Transition): void {
  if (history === undefined) return;
  // Only the newest entry is parsed: a job may keep twenty errors of 64 KiB.
  const last = elements(`[${history}]`).at(-1);
  const entry: HistoryEntry | null = last === undefined ? null : JSON.parse(last);
  if (entry?.kind !== 'failed' || entry.claim !== job.claim) return;
  const { error, at, attempt, worker, startedAt, retryDelayMs } = entry;
  const fields = {
    category: 'error',
    job_id: job.id,
    job_type: job.type,
    queue: job.queue,
    attempt,
    state: stateName(to),
    worker_id: worker,
    workflow_id: job.node?.workflow,
    trace_id: job.trace,
    error: { type: error.type, code: error.code, message: error.message.slice(0, maxMessage) },
    duration_ms: startedAt === null ? null : Math.max(0, at - startedAt),
    ...(retryDelayMs !== undefined && {
      retry_delay_ms: retryDelayMs,
      next_retry_at: new Date(at + retryDelayMs).toISOString(),
    }),
  };
  const since = (from: number | null) => Math.max(0, at - (from ?? at)) / 1_000;
  if (to === State.discarded) log.error(fields, `Job discarded after ${attempt} attempts`);
  else if (entry.by !== 'server') log.warn(fields, 'Job failed, will retry');
  else if (error.code === 'timeout') log.error(fields, `Job execution timed out after ${since(startedAt)}s`);
  else if (error.code === 'stalled') log.error(fields, `Job stalled, no heartbeat for ${since(job.beatAt)}s`);
  else log.error(fields, 'Job lost, will retry');
}
