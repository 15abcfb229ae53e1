import type { StepKind } from '@ojs-ts/core/durable';
import type { Logger } from '../../connection/logger.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { StepCodec } from './codec.ts';
import type { Suspended } from './errors.ts';
import type { FailedTry, StepWrite } from './row.ts';

/** The members of the nack that suspends a job. */
export interface Suspension {
  readonly waits: readonly { readonly name: string; readonly kind: StepKind | 'retry' }[];
  /** The rows that the suspension writes. */
  readonly steps: readonly StepWrite[];
  readonly failed_steps: readonly FailedTry[];
}

/** The execution around durable steps. */
export interface StepsHost {
  readonly leased: LeasedJob;
  readonly jobId: string;
  readonly jobType: string;
  readonly log: Logger;
  /** The job undoes the steps of another one: it gets their outcomes, and runs none. */
  readonly undoes: boolean;
  /** Called at most once. The handler does not continue afterwards. */
  suspend(suspension: Suspension, reason: Suspended): void;
  /** The handler cannot continue, and nothing of it runs any more: the job is not this worker's. */
  frozen(): void;
  lose(message: string): void;
  codec(): StepCodec;
  /** Saves the checkpoint of the job as it is, for a server without x-steps. */
  saveCheckpoint(state: unknown): Promise<void>;
}
