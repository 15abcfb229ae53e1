import type { Pagination } from '../page.ts';

export interface Cron {
  readonly name: string;
  readonly expression: string;
  readonly timezone: string;
  readonly overlap_policy: string;
  /** Whether it runs. */
  readonly enabled: boolean;
  /** Whether its registration wants it to run. */
  readonly registered_enabled: boolean;
  /** When an operator paused it. */
  readonly paused_at: string | null;
  /** Enabled, with an expression that matches no time. */
  readonly never_runs: boolean;
  readonly description?: string;
  readonly type: string;
  readonly args: unknown;
  readonly options?: { readonly queue?: string };
  readonly job_template?: { readonly queue?: string };
  readonly next_run_at: string | null;
  readonly last_run_at: string | null;
  readonly last_job_id: string | null;
  /** Null if the job is deleted. */
  readonly last_job_state?: string | null;
  readonly run_count: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The queue of its jobs, which a registration may have in its options or beside the type. */
export function queueOf({ options, job_template }: Cron): string {
  return options?.queue ?? job_template?.queue ?? 'default';
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
  readonly 'cron.update': { readonly cron: Cron };
  readonly 'cron.remove': unknown;
  readonly 'cron.pause': unknown;
  readonly 'cron.resume': unknown;
  readonly 'cron.trigger': { readonly job?: { readonly id: string } };
}
