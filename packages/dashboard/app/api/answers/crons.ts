import type { Pagination } from '../page.ts';

export interface Cron {
  readonly name: string;
  readonly expression: string;
  readonly timezone: string;
  readonly overlap_policy: string;
  readonly enabled: boolean;
  readonly type: string;
  readonly args: unknown;
  readonly options?: { readonly queue?: string };
  readonly next_run_at: string | null;
  readonly last_run_at: string | null;
  readonly run_count: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A change of the clocks on a day with runs. */
export interface ClockChange {
  readonly at: string;
  readonly local_before: string;
  readonly local_after: string;
  readonly direction: 'forward' | 'back';
  readonly skipped?: readonly string[];
  readonly skipped_count?: number;
  readonly repeated?: readonly string[];
  readonly repeated_count?: number;
}

export interface CronRuns {
  readonly runs: readonly string[];
  /** In the zone of the cron. */
  readonly local_runs: readonly string[];
  readonly clock_changes: readonly ClockChange[];
}

export interface CronAnswers {
  readonly 'cron.list': { readonly items: readonly Cron[]; readonly pagination: Pagination };
  readonly 'cron.get': { readonly cron: Cron };
  readonly 'cron.runs': CronRuns;
  readonly 'cron.preview': CronRuns;
  readonly 'cron.register': { readonly cron: Cron };
  readonly 'cron.remove': unknown;
  readonly 'cron.pause': unknown;
  readonly 'cron.resume': unknown;
  readonly 'cron.trigger': { readonly job?: { readonly id: string } };
}
