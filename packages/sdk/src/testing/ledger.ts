import type { JobRecord, NamesOf } from '@ojs-ts/core';
import type { Duration } from '../options/duration.ts';
import type { WorkflowRow } from './memory/workflows.ts';
import type { Runner } from './runner.ts';

/** Which jobs a drain runs, and for how long. */
export interface DrainOptions {
  /** Default: all queues. */
  queue?: string | undefined;
  /** Default: no limit. */
  maxJobs?: number | undefined;
  /** Default 30 s. */
  timeout?: Duration | undefined;
  /** Also jobs whose time has not come: scheduled ones, and those that wait for another attempt. Default false. */
  withScheduled?: boolean | undefined;
}

export const drainNames: NamesOf<DrainOptions> = { queue: true, maxJobs: true, timeout: true, withScheduled: true };

/** What the jobs of a test are looked at through, whatever the mode. */
export interface Ledger {
  readonly runner: Runner;
  /** In the order of their creation. */
  jobs(): readonly JobRecord[];
  workflows(): readonly WorkflowRow[];
  clear(): void;
  drain(options: DrainOptions): Promise<number>;
}
