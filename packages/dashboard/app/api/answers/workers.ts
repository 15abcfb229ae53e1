import type { Pagination } from '../page.ts';

export type WorkerState = 'running' | 'quiet' | 'terminate' | 'stale';

/** What a worker says of itself is of any kind: `description.ts` of the page reads it. */
export interface Worker {
  readonly id: string;
  readonly state: WorkerState;
  /** What an operator has told it to do. */
  readonly directive?: Exclude<WorkerState, 'stale'>;
  readonly active_jobs: number;
  /** Null of a worker that only fetches. */
  readonly last_heartbeat_at: string | null;
  readonly last_fetch_at?: string;
  readonly hostname?: unknown;
  readonly pid?: unknown;
  readonly queues?: unknown;
  readonly concurrency?: unknown;
  readonly labels?: unknown;
  readonly started_at?: unknown;
  readonly version?: unknown;
  readonly load?: {
    readonly rss_bytes?: number;
    readonly heap_used_bytes?: number;
    readonly event_loop_lag_ms?: number;
  };
}

/** A job that a worker runs. */
export interface WorkerJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly attempt: number;
  readonly started_at: string | null;
}

export interface WorkerAnswers {
  readonly 'worker.list': {
    readonly items: readonly Worker[];
    readonly summary: Readonly<Record<WorkerState | 'total', number>>;
    readonly pagination: Pagination;
  };
  readonly 'worker.get': Worker & { readonly jobs: readonly WorkerJob[] };
  readonly 'worker.quiet': unknown;
  readonly 'worker.resume': unknown;
  readonly 'worker.stop': unknown;
  readonly 'worker.remove': unknown;
  readonly 'worker.direct': {
    readonly succeeded: number;
    readonly failed: number;
    readonly errors: readonly { readonly worker_id: string; readonly error: string }[];
  };
}
