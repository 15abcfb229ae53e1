import type { Millis } from '../time/clock.ts';

/** A member of the policy of a job that has rows, so that a claim needs no look at the records of plain jobs. */
export interface StepsMark {
  /** Attempts that recorded progress has forgiven: limits compare `attempt - past`. */
  readonly past?: number;
  /** How often the death of a worker was forgiven. */
  readonly deaths?: number;
  /** Deaths under this claim and earlier ones are forgiven. */
  readonly deathsUntil?: number;
  /** The last suspension: the claim that made it, and what the job waits for. It stays when the job runs again. */
  readonly suspended?: { readonly by: number; readonly waits: readonly StepWait[] };
  /** The job that has taken over the rows of this one, which has ended. */
  readonly next?: Successor;
  /** The steps of this job stay when it is cancelled. */
  readonly keep?: true;
  /** The worker of this claim has answered after the end of the job: it runs no step any more. */
  readonly left?: number;
}

/** A job that takes over the rows of an ended one: to undo them, or to continue behind some of them. */
export interface Successor {
  readonly job: string;
  readonly as: 'undo' | 'rerun';
}

/** `retry` is the pause between two tries of a step. */
export const waitKinds = ['sleep', 'poll', 'retry', 'signal', 'child'] as const;

export interface StepWait {
  readonly name: string;
  readonly kind: (typeof waitKinds)[number];
  /** Absent for a wait for a signal without a timeout. */
  readonly until?: Millis;
  /** The mailbox of a wait for a signal: see the row. */
  readonly signal?: string;
  readonly token?: string;
  /** The jobs of a wait of the kind `child`. */
  readonly workflow?: string;
}
