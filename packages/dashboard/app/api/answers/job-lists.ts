import type { Pagination } from '../page.ts';

/** A job as lists have it. */
export interface JobSummary {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly state: string;
  readonly created_at: string;
  readonly started_at?: string | null;
  readonly completed_at?: string | null;
}

export interface JobAnswers {
  readonly 'admin.jobs': { readonly items: readonly JobSummary[]; readonly pagination: Pagination };
}

/** A job of a list. What an application put into it is `unknown`. */
export interface ListedJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly state: string;
  readonly priority: number;
  readonly attempt: number;
  readonly max_attempts?: number;
  /** Absent for callers who may not see it. */
  readonly args?: unknown;
  readonly meta?: unknown;
  readonly tags?: readonly string[];
  readonly created_at: string;
  readonly enqueued_at?: string;
  readonly scheduled_at?: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly cancelled_at?: string;
  readonly discarded_at?: string;
  readonly worker_id?: string;
  readonly error?: { readonly code?: string; readonly type?: string; readonly message?: string };
}

export interface Search {
  readonly scanned: number;
  /** How many jobs all pages read; absent where the server does not know. */
  readonly of?: number;
  readonly complete: boolean;
  readonly plan: string;
}

export interface JobListAnswer {
  readonly jobs: readonly ListedJob[];
  readonly total: number;
  /** `total_exact` is false where the total is what was seen so far. */
  readonly pagination: Pagination & { readonly total_exact?: boolean };
  /** Of a list by a query. */
  readonly search?: Search;
}

export interface JobGroupsAnswer {
  /** Jobs with a value that is not among the groups. */
  readonly others: number;
  readonly without_value: number;
  /** The server has read a part of the jobs only. */
  readonly is_lower_bound: boolean;
  readonly groups: readonly { readonly value: unknown; readonly count: number; readonly digest?: string }[];
}

export type JobListAnswers = {
  readonly 'job.list': JobListAnswer;
  readonly 'admin.jobGroups': JobGroupsAnswer;
};
