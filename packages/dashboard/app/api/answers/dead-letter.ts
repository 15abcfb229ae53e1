import type { Pagination } from '../page.ts';

export interface DeadJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly attempt: number;
  /** Absent for callers who may not see it. */
  readonly args?: unknown;
  readonly discarded_at: string;
  readonly error?: { readonly type?: string; readonly code?: string; readonly message?: string };
}

export interface DeadLetterAnswers {
  readonly 'deadLetter.list': { readonly jobs: readonly DeadJob[]; readonly pagination: Pagination };
  readonly 'deadLetter.stats': {
    readonly total: number;
    readonly by_queue: Readonly<Record<string, number>>;
    readonly oldest_at: string | null;
    readonly retention: { readonly max_age: string; readonly max_count: number; readonly removed_over_cap: number };
  };
  readonly 'deadLetter.retry': unknown;
}
