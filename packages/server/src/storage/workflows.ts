import type {
  Inserted,
  Json,
  Millis,
  NewJob,
  NewNode,
  NewWorkflow,
  NodeRecord,
  NodeRef,
  WorkflowRecord,
  WorkflowState,
  WorkflowStep,
} from '@ojs-ts/core';
import type { Page } from './page.ts';

export type {
  NewNode,
  NewWorkflow,
  NodeRecord,
  NodeState,
  WorkflowRecord,
  WorkflowState,
  WorkflowStep,
} from '@ojs-ts/core';

export interface Advanced {
  /** False where the node is not ready, or its workflow has ended: nothing was changed. */
  readonly done: boolean;
  /** Of a `start` that was tried. */
  readonly inserted: Inserted | null;
  readonly ready: readonly NodeRef[];
}

/**
 * Workflows as rows: a terminal change of a job that is a node closes the node in its own commit (`passes` where the
 * job completed), once for ever by its own state, counts it where it is a member, writes core's `nodeEvents` behind the
 * events of the transition and lowers `open` of its dependents. The node's result is the job's; it outlives the job.
 * Where the workflow is no longer running the dependents stay as they are.
 */
export interface Workflows {
  /**
   * All its nodes in one commit; those without dependencies are ready. `already` where the same workflow is there,
   * `duplicate` where another has the id.
   * @param starts the jobs of nodes without dependencies, by index. A storage may start them in the same commit, as
   * `advance` would; `ready` are those that it did not start.
   */
  create(
    workflow: NewWorkflow,
    nodes: readonly NewNode[],
    events: readonly Json[],
    now: Millis,
    starts?: ReadonlyMap<number, NewJob>,
  ): Promise<{
    readonly kind: 'created' | 'already' | 'duplicate';
    readonly workflow: WorkflowRecord;
    readonly ready: readonly NodeRef[];
  }>;
  get(id: string): Promise<WorkflowRecord | null>;
  /** Newest first. */
  list(query: {
    readonly states: readonly WorkflowState[] | null;
    readonly after?: string;
    readonly offset?: number;
    readonly limit: number;
  }): Promise<Page<WorkflowRecord> & { readonly total: number }>;
  nodes(workflow: string, after: number, limit: number): Promise<readonly NodeRecord[]>;
  node(refs: readonly NodeRef[]): Promise<readonly (NodeRecord | null)[]>;
  advance(steps: readonly WorkflowStep[], now: Millis): Promise<readonly Advanced[]>;
  /**
   * Ends a running workflow: its waiting nodes are cancelled in the same commit, those with a job stay for the sweep;
   * false where it is not running. A node that closes later changes nothing but itself and the counts.
   */
  cancel(id: string, events: readonly Json[], now: Millis): Promise<boolean>;
  /** The jobs of a cancelled workflow have been dealt with. */
  swept(id: string): Promise<void>;
  /**
   * What a crash left: nodes that are ready in running workflows, and cancelled workflows whose jobs were not dealt
   * with.
   */
  unfinished(limit: number): Promise<{ readonly ready: readonly NodeRef[]; readonly sweeping: readonly string[] }>;
}
