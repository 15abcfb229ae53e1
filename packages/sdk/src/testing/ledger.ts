import type { NamesOf } from '@ojs-ts/core';
import type { JobRecord } from '@ojs-ts/core/job';
import type { NodeRecord, WorkflowRecord } from '@ojs-ts/core/workflow';
import type { Duration } from '../options/duration.ts';
import type { Runner } from './runner.ts';

/** Options of {@link drain}. */
export interface DrainOptions {
  /** Default: all queues. */
  queue?: string | undefined;
  /** Default: no limit. */
  maxJobs?: number | undefined;
  /** Default: 30 s. */
  timeout?: Duration | undefined;
  /** If true, jobs that are scheduled, or wait for their next attempt or a rate limit, also run. Default: false. */
  withScheduled?: boolean | undefined;
}

export const drainNames: NamesOf<DrainOptions> = { queue: true, maxJobs: true, timeout: true, withScheduled: true };

export interface WorkflowRow {
  readonly record: WorkflowRecord;
  /** By index. */
  readonly nodes: readonly NodeRecord[];
}

/** Read access to the jobs of a test, the same in all modes. */
export interface Ledger {
  readonly runner: Runner;
  /** In the order of creation. */
  jobs(): readonly JobRecord[];
  workflows(): readonly WorkflowRow[];
  clear(): void;
  drain(options: DrainOptions): Promise<number>;
}
