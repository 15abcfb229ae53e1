import { members } from '@ojs-ts/core';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { callText } from '../../api/client.ts';
import { parse } from '../../json/numeral.ts';
import { hasJob } from '../../live/summary.ts';

export type JobState =
  | 'pending'
  | 'scheduled'
  | 'available'
  | 'active'
  | 'retryable'
  | 'completed'
  | 'discarded'
  | 'cancelled';

/** The members of a job that the page reads; those of its user stay text. */
export interface Job {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly timeout_ms?: number;
  readonly created_at: string;
  readonly enqueued_at?: string;
  readonly started_at?: string;
  readonly scheduled_at?: string;
  readonly next_attempt_at?: string;
  readonly completed_at?: string;
  readonly cancelled_at?: string;
  readonly discarded_at?: string;
  readonly expires_at?: string;
  readonly worker_id?: string;
  readonly workflow_id?: string;
  readonly error_fingerprint: string | null;
  readonly has_checkpoint: boolean;
  readonly schema?: string;
  readonly retry_policy: RetryPolicy;
  readonly x_progress?: Progress;
}

export interface RetryPolicy {
  readonly max_attempts: number;
  readonly initial_interval: string;
  readonly backoff_coefficient: unknown;
  readonly max_interval: string;
  readonly jitter: boolean;
  readonly non_retryable_errors: readonly string[];
  readonly on_exhaustion: string;
  readonly backoff_strategy: string;
}

export interface Progress {
  /** From 0 to 100. */
  readonly percentage: unknown;
  readonly message: string | null;
  readonly updated_at: string | null;
}

export interface JobDocument {
  readonly job: Job;
  /** The JSON text of each member, as the server sent it. */
  readonly parts: ReadonlyMap<string, string>;
}

/** Members that may be large, and are read only where they are shown. */
const opaque: ReadonlySet<string> = new Set(['args', 'result', 'parent_results', 'errors', 'error']);

export function readJob(text: string): JobDocument {
  const parts = members(text);
  const light = [...parts]
    .filter(([name]) => !opaque.has(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return { job: parse(`{${light.join(',')}}`) as Job, parts };
}

/** The whole history: a job keeps 20 entries, of a few events each. */
export const historyQuery = { limit: 1_000 };

/** Begins the key of every answer about this job's envelope. */
export function jobKey(id: string): readonly unknown[] {
  return ['admin.job', { id }, 'document'];
}

export function useJob(id: string): UseQueryResult<JobDocument, Error> {
  return useQuery({
    queryKey: jobKey(id),
    queryFn: async ({ signal }) => readJob(await callText('admin.job', { params: { id }, signal })),
    structuralSharing: false,
    meta: { live: (summary) => hasJob(summary, id) },
  });
}

const ended: ReadonlySet<JobState> = new Set<JobState>(['completed', 'discarded', 'cancelled']);

export function isEnded(state: JobState): boolean {
  return ended.has(state);
}

/** Reports whether it may still start: `job.edit` takes these. */
export function isWaiting(state: JobState): boolean {
  return state !== 'active' && !isEnded(state);
}
