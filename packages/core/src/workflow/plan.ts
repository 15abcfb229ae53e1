import { ProtocolError } from '../errors.ts';
import type { JobId, Json } from '../job/job.ts';

/** Levels of chains, groups and batches within each other, the workflow itself counting as 1 (ojs-workflows §10.2). */
export const maxNesting = 10;
/** Jobs, callbacks and joins of one workflow. */
export const maxNodes = 20_000;
/** Dependencies of one workflow. */
export const maxEdges = 200_000;
export const tooManyNodes = `a workflow must have at most ${maxNodes} jobs, callbacks and ends of nested workflows`;
export const tooManyEdges = `a workflow must have at most ${maxEdges} dependencies`;

export type CompositeKind = 'chain' | 'group' | 'batch' | 'dag';
export const callbackNames = ['on_complete', 'on_success', 'on_failure'] as const;
export type CallbackName = (typeof callbackNames)[number];
export type ListKey = 'steps' | 'jobs';

/** A workflow request once it is read and checked: what it means, whichever dialect it was written in. */
export type Plan = JobPlan | CompositePlan;

/** A job of a chain, a group or a batch. */
export interface JobPlan {
  readonly kind: 'job';
  readonly name: string;
  /** Minted once, here. */
  readonly id: JobId;
  /** The envelope as sent, without what belongs to the workflow (`id`, `depends_on`). */
  readonly text: Json;
  /** Index of the options that apply where the envelope has none of its own. */
  readonly options: number | null;
}

/** A job that a batch starts when its jobs have ended. */
export interface CallbackPlan extends JobPlan {
  readonly callback: CallbackName;
}

export interface CompositePlan {
  readonly kind: CompositeKind;
  readonly name: string;
  /** The member that held its items, which answers use too. */
  readonly key: ListKey;
  readonly items: readonly Plan[];
  /** Indexes of the items that each item waits for. */
  readonly after: readonly (readonly number[])[];
  readonly callbacks: readonly CallbackPlan[];
  /** True if callbacks were listed among the steps, where answers list them too. */
  readonly listed: boolean;
}

/** A refusal of the request with the place in it. */
export function wrong(path: string, message: string): ProtocolError {
  return ProtocolError.invalid([{ path, message }]);
}
