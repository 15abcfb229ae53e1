import type { Inserted } from '../admission.ts';
import type { Json, NewJob, NodeRef } from '../job/job.ts';
import type { WorkflowState } from '../job/reopening.ts';
import type { Page } from '../job/selection.ts';
import type { Millis } from '../time/clock.ts';
import type { NewNode, NewWorkflow, NodeRecord, WorkflowRecord, WorkflowStep } from '../workflow/types.ts';

export interface Advanced {
  /** False if the node is not ready, or its workflow has ended: nothing was changed. */
  readonly done: boolean;
  /** The outcome of a `start` that was tried. */
  readonly inserted: Inserted | null;
  readonly ready: readonly NodeRef[];
}

/**
 * Workflows as rows. The end of a job that is a node closes the node in the same commit (`passes` if the job
 * completed), once for ever, guarded by the node's state. The close counts a member, writes core's `nodeEvents` behind
 * the events of the transition and lowers `open` of the dependents. The node keeps the job's result, even after the job
 * is deleted. If the workflow no longer runs, the dependents stay as they are.
 */
export interface Workflows {
  /**
   * Stores all nodes in one commit; those without dependencies are ready. `already` if the same workflow exists,
   * `duplicate` if another one has the id.
   * @param starts the jobs of nodes without dependencies, by index. A storage may start them in the same commit, as
   * `advance` would; `ready` are those that it did not start.
   */
  create(
    workflow: NewWorkflow,
    nodes: readonly NewNode[],
    events: readonly Json[],
    now: Millis,
    starts?: ReadonlyMap<number, NewJob>,
  ): {
    readonly kind: 'created' | 'already' | 'duplicate';
    readonly workflow: WorkflowRecord;
    readonly ready: readonly NodeRef[];
  };
  get(id: string): WorkflowRecord | null;
  getAll(ids: readonly string[]): readonly (WorkflowRecord | null)[];
  /** Newest first. */
  list(query: {
    readonly states: readonly WorkflowState[] | null;
    readonly after?: string;
    readonly offset?: number;
    readonly limit: number;
  }): Page<WorkflowRecord> & { readonly total: number };
  nodes(workflow: string, after: number, limit: number): readonly NodeRecord[];
  node(refs: readonly NodeRef[]): readonly (NodeRecord | null)[];
  advance(steps: readonly WorkflowStep[], now: Millis): readonly Advanced[];
  /**
   * Ends a running workflow: cancels its waiting nodes in the same commit, and keeps nodes with a job for the sweep.
   * False if the workflow is not running. A node that closes later changes nothing but itself and the counts.
   */
  cancel(id: string, events: readonly Json[], now: Millis): boolean;
  /** Notes that the jobs of a cancelled workflow were cancelled too. */
  swept(id: string): void;
  /** Work that a crash left: ready nodes of running workflows, and cancelled workflows before `swept`. */
  unfinished(limit: number): { readonly ready: readonly NodeRef[]; readonly sweeping: readonly string[] };
}
