import type { Pagination } from '../page.ts';
import type { Rate } from './queues.ts';

export interface Window extends Rate {
  /** Starts within the period that ends now. */
  readonly current_count: number;
  readonly window_resets_at: string;
}

export interface Limit {
  readonly key: string;
  readonly concurrency?: { readonly limit: number; readonly active: number; readonly available: number };
  readonly rate?: Window;
  readonly rates?: readonly Window[];
  readonly active: number;
  readonly waiting_count: number;
  readonly override: {
    readonly concurrency: number | null;
    readonly rates: readonly Rate[];
    readonly expires_at: string | null;
  } | null;
}

export interface LimitAnswers {
  readonly 'limit.list': {
    readonly items: readonly Limit[];
    readonly pagination: Pagination;
    /** How far a search came: by a part of the key, or for what holds back the most. */
    readonly search?: { readonly scanned: number; readonly of: number; readonly complete: boolean };
  };
  readonly 'limit.get': Limit;
  readonly 'limit.override': Limit;
  readonly 'limit.restore': Limit;
}
