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
