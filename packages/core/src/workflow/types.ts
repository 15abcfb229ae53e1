import type { JobId, Json, NewJob, NodeRef } from '../job/job.ts';
import type { NodeState, WorkflowState } from '../job/reopening.ts';
import type { Millis } from '../time/clock.ts';

/** The record of a workflow at its creation. The parts that only core reads are in `spec`. */
export interface NewWorkflow {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly spec: Json;
  /** Nodes that count as its members: jobs, without callbacks and joins. */
  readonly total: number;
}

export interface WorkflowRecord extends NewWorkflow {
  readonly state: WorkflowState;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly createdAt: Millis;
  readonly finishedAt: Millis | null;
  /** JSON text of what the end says: failed nodes, errors. */
  readonly end: Json | null;
  /** It was cancelled and jobs of it may still have to be. */
  readonly sweeping: boolean;
}

/**
 * A node waits until every dependency is closed, then it is ready: `open` is 0 and it is still `waiting`, a stored
 * fact. Then core decides: a job is inserted (`pending`), or the node is closed without one.
 */
export interface NewNode {
  readonly index: number;
  /** The step's id, as events name it. */
  readonly name: string;
  /** Id of its job, minted in advance; null for a join. */
  readonly job: JobId | null;
  /** Number of its dependencies. */
  readonly open: number;
  /** Indexes of the nodes that depend on this one. */
  readonly next: readonly number[];
  readonly member: boolean;
  /** The text from which core makes the job or closes the node. */
  readonly spec: Json;
}

export interface NodeRecord extends NewNode {
  readonly workflow: string;
  readonly state: NodeState;
  /** Closed dependencies that did not pass. */
  readonly failed: number;
  readonly result: Json | null;
  /** The reader of the node had no room to keep its result, which is null here. */
  readonly resultLeftOut?: true;
  readonly error: Json | null;
  readonly closedAt: Millis | null;
}

export type WorkflowStep =
  /**
   * Inserts the job of a ready node; the node becomes `pending`. Queue bounds and pauses do not refuse it, its unique
   * policy may: then the node stays.
   */
  | { readonly kind: 'start'; readonly node: NodeRef; readonly job: NewJob; readonly events: readonly Json[] }
  /** Closes a ready node without a job of its own running. `passes` is what its dependents see. */
  | {
      readonly kind: 'close';
      readonly node: NodeRef;
      readonly state: 'completed' | 'failed' | 'cancelled';
      readonly passes: boolean;
      readonly result: Json | null;
      readonly error: Json | null;
      /** Set by the last node: the workflow ends with it. */
      readonly end: { readonly state: 'completed' | 'failed'; readonly text: Json | null } | null;
      readonly events: readonly Json[];
      /** How many dependencies did not pass when it was decided: with another number the step is not done. */
      readonly failed?: number;
    };

/** The step of a job that has started this workflow, and waits for its end. */
export interface WorkflowParent {
  readonly job: JobId;
  readonly step: string;
  /** `cancel`: the first failed child ends the workflow. */
  readonly onFailure: 'wait' | 'cancel';
  readonly onParentEnd: 'cancel' | 'leave';
}
