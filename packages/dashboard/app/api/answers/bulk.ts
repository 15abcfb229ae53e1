import type { Pagination } from '../page.ts';

export interface BulkOperationAnswer {
  readonly id: string;
  /** `undo` takes back what the operation `undoes` did. */
  readonly action: string;
  readonly state: 'running' | 'stopped' | 'done' | 'failed';
  readonly undoes?: string;
  readonly query?: string;
  readonly filter?: unknown;
  /** What each job gets, by the names of an enqueue request. */
  readonly changes?: unknown;
  readonly queue: string | null;
  /** Jobs a second at most. */
  readonly rate: number | null;
  readonly matched: number;
  readonly matched_is_lower_bound: boolean;
  readonly done: number;
  readonly changed: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly time_left_ms: number | null;
  readonly created_by: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly undo: { readonly possible: boolean; readonly reason?: string; readonly by?: string };
  readonly error?: string;
}

export interface DryRunAnswer {
  readonly dry_run: true;
  readonly matched: number;
  readonly matched_is_lower_bound: boolean;
  /** Ids of some of the jobs. */
  readonly sample: readonly string[];
}

export type BulkAnswers = {
  readonly 'bulk.start': BulkOperationAnswer | DryRunAnswer;
  readonly 'bulk.list': { readonly items: readonly BulkOperationAnswer[]; readonly pagination: Pagination };
  readonly 'bulk.get': BulkOperationAnswer;
  readonly 'bulk.stop': BulkOperationAnswer;
  readonly 'bulk.resume': BulkOperationAnswer;
  readonly 'bulk.undo': BulkOperationAnswer;
};
