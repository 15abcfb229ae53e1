import type { Json } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import type { StepWait } from './mark.ts';
import type { StepKind, StepState } from './row.ts';

/** A step as a worker sends it. Values and errors are JSON texts, byte for byte. */
export interface SentStep {
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  readonly number: number;
  readonly value?: Json;
  readonly error?: Json;
  readonly tries?: number;
  /** The end of the wait, as its length from now on or as a time. */
  readonly ms?: number;
  readonly until?: Millis;
  readonly nextMs?: number;
  /** The mailbox of a wait for a signal: see the row. */
  readonly signal?: string;
  readonly token?: string;
  /** The workflow of a step that has started jobs. */
  readonly workflow?: string;
  /** The step can be undone. */
  readonly undo?: true | undefined;
}

/** A failed try of a step that is tried again after a pause. */
export interface SentTry {
  readonly name: string;
  readonly number: number;
  readonly tries: number;
  readonly error: Json;
  readonly retryMs: number;
}

/** The end of an execution that waits. */
export interface SentSuspension {
  readonly waits: readonly Pick<StepWait, 'name' | 'kind' | 'until'>[];
  readonly steps: readonly SentStep[];
  readonly tries: readonly SentTry[];
}
