export type WorkflowState = 'running' | 'completed' | 'failed' | 'cancelled';
export type NodeState = 'waiting' | 'pending' | 'completed' | 'failed' | 'cancelled';

/**
 * The change that the retry of a dead step makes to its workflow, in the same commit. A storage refuses the whole
 * transition where the workflow or one of the nodes is no longer as it `was`.
 */
export interface Reopening {
  readonly workflow: string;
  /** The workflow is running afterwards, without an end. */
  readonly was: WorkflowState;
  /** The step itself first, then what comes after it, each once. */
  readonly nodes: readonly NodeChange[];
  /** JSON texts. */
  readonly events: readonly string[];
}

/** The node has neither a result nor an error afterwards, and is not closed. */
export interface NodeChange {
  readonly index: number;
  /** The job that the retried step must still have; absent for what comes after it. */
  readonly own?: string;
  readonly was: NodeState;
  readonly to: 'waiting' | 'pending';
  /** How many dependencies wait again. */
  readonly opened: number;
  /** How many of those had not passed. */
  readonly fewerFailed: number;
  /** The next job of a callback whose job was made for an earlier end. */
  readonly job: string | null;
}
