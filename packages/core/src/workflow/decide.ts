import { nodeDestination } from '../envelope/destination.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json, NewJob, NodeRef } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { requestOf } from './defaults.ts';
import { callbackFired, jobType, refusalEvents, workflowCompleted, workflowFailed } from './events.ts';
import { failedNodes, failedStep, maxErrors, type StepError, stepError } from './failures.ts';
import { parentsMembers } from './parents.ts';
import { indexesOf, parentsOf, resultsOf, workflowMembers } from './results.ts';
import { isSkipped, runs } from './rules.ts';
import { type JobSpec, type JoinSpec, readNodeSpec, readWorkflowSpec } from './spec.ts';
import type { NodeRecord, WorkflowRecord, WorkflowStep } from './types.ts';

/** The nodes of one workflow that were read so far. Only closed nodes are ever asked for, so it does not get old. */
export interface LoadedNodes {
  readonly nodes: ReadonlyMap<number, NodeRecord>;
  /** Null for a job that is no longer there. */
  readonly jobs: ReadonlyMap<JobId, JobRecord | null>;
}

/** Nodes and jobs that have to be read before the decision can be made. */
export interface NodeNeeds {
  readonly kind: 'needs';
  readonly nodes: readonly number[];
  readonly jobs: readonly JobId[];
}

type Close = Extract<WorkflowStep, { readonly kind: 'close' }>;

/**
 * Decides about a ready node: its job starts, or it is closed without one (ojs-workflows §4.3, §5.3, §6.4). The same
 * node gives the same envelope at any time, so a step may be repeated: relative times count from `latest` in the job's
 * columns, while its envelope has them as sent.
 * @returns `needs` while something is missing in `loaded`: read it, add it, and ask again. Most nodes
 * need nothing, a step its parents, the end of a failed workflow its nodes and then their jobs.
 */
export function decideNode(
  workflow: WorkflowRecord,
  node: NodeRecord,
  loaded: LoadedNodes,
  now: Millis,
  latest: Millis = now,
): WorkflowStep | NodeNeeds {
  const reader = new Reader(loaded);
  return decide(workflow, node, reader, now, latest) ?? reader.needs();
}

/** Closes a ready node whose job was refused because another job holds its unique key. */
export function refuseNode(workflow: WorkflowRecord, node: NodeRecord, existing: JobId, now: Millis): WorkflowStep {
  const message =
    `Job ${existing} has the same unique key, so this step was not ` +
    `enqueued. Wait for that job, or change unique of the step.`;
  return reject(workflow, node, { code: 'duplicate', message, attempt: 0, existing_job_id: existing }, now);
}

/** Looks things up, and notes what is not there. */
class Reader {
  readonly #loaded: LoadedNodes;
  readonly #nodes = new Set<number>();
  readonly #jobs = new Set<JobId>();

  constructor(loaded: LoadedNodes) {
    this.#loaded = loaded;
  }

  node(index: number): NodeRecord | null {
    const node = this.#loaded.nodes.get(index);
    if (node === undefined) this.#nodes.add(index);
    return node ?? null;
  }

  job(id: JobId): JobRecord | null {
    const job = this.#loaded.jobs.get(id);
    if (job === undefined) this.#jobs.add(id);
    return job ?? null;
  }

  get isMissing(): boolean {
    return this.#nodes.size + this.#jobs.size > 0;
  }

  needs(): NodeNeeds {
    return { kind: 'needs', nodes: [...this.#nodes], jobs: [...this.#jobs] };
  }
}

/** Null where something that it depends on was missing. */
type Decided = WorkflowStep | null;

function decide(workflow: WorkflowRecord, node: NodeRecord, reader: Reader, now: Millis, latest: Millis): Decided {
  const spec = readNodeSpec(node.spec);
  switch (spec.role) {
    case 'job':
      return decideJob(workflow, node, spec, reader, now, latest);
    case 'root':
      return end(workflow, node, reader, now);
    case 'gate':
      return close(node, node.failed === 0 ? 'completed' : 'failed');
    default:
      return join(node, spec, reader);
  }
}

function decideJob(
  workflow: WorkflowRecord,
  node: NodeRecord,
  spec: JobSpec,
  reader: Reader,
  now: Millis,
  latest: Millis,
): Decided {
  const first = spec.guard && node.failed > 0 ? reader.node(spec.parents.block?.[0] ?? 0) : null;
  if (reader.isMissing) return null;
  // A callback that is not due is no failure; one whose batch never began is skipped with it.
  if (!runs(node, spec, first)) {
    return close(node, 'cancelled', { passes: spec.callback !== null && !(first !== null && isSkipped(first)) });
  }
  const lastMembers = parentMembers(workflow, spec, reader);
  if (lastMembers === null) return null;
  const id = node.job ?? '';
  try {
    const { job } = readEnvelope(requestOf(workflow, spec), now, () => id, { lastMembers, latest });
    const events = spec.callback === null ? [] : [callbackFired(workflow, spec.callback, job)];
    return { kind: 'start', node: refOf(node), job: { ...job, node: refOf(node) }, events };
  } catch (error) {
    // A definition that a former version accepted must not block its workflow for ever.
    if (error instanceof ProtocolError)
      return reject(workflow, node, { code: error.code, message: error.message, attempt: 0 }, now);
    throw error;
  }
}

/**
 * A step's job names the steps before it. A callback gets their results as they are when it fires, because a retry may
 * open the jobs of its batch again.
 */
function parentMembers(workflow: WorkflowRecord, spec: JobSpec, reader: Reader): Json | null {
  const indexes = parentsOf(spec);
  if (spec.callback === null && indexes.length > 0)
    return parentsMembers({ workflow: workflow.id, at: workflow.createdAt, parents: spec.parents });
  for (const index of indexes) if (index !== null) reader.node(index);
  if (reader.isMissing) return null;
  const results = resultsOf(indexes, (index) => reader.node(index));
  return reader.isMissing ? null : workflowMembers(workflow.id, results);
}

/**
 * The start of a node that waits for nothing, from the job that its request was read as: what `decideNode` makes of it
 * once it is stored.
 */
export function startNode(workflow: string, index: number, job: NewJob): WorkflowStep {
  const node = { workflow, index };
  return { kind: 'start', node, job: { ...job, node }, events: [] };
}

/**
 * The end of a nested composite; its result is that of a chain's last step, and the results of all jobs of a group or
 * batch. If those are too many characters, it has none: the reader of the result builds the array from the jobs.
 */
function join(node: NodeRecord, spec: Extract<JoinSpec, { readonly block: unknown }>, reader: Reader): Decided {
  const [base, count] = spec.block;
  if (node.failed > 0) {
    const first = spec.guard ? reader.node(base) : null;
    return reader.isMissing ? null : close(node, first !== null && isSkipped(first) ? 'cancelled' : 'failed');
  }
  const items = spec.role === 'chain' ? [base + count - 1] : indexesOf(spec.block);
  const nodes = items.map((index) => reader.node(index));
  if (reader.isMissing) return null;
  if (spec.role === 'chain') return close(node, 'completed', { result: nodes[0]?.result ?? null });
  const { text, leftOut } = resultsOf(items, (index) => reader.node(index));
  if (reader.isMissing) return null;
  return close(node, 'completed', { result: leftOut.size === 0 ? text : null });
}

/** The end of the workflow. A batch may be completed and have failed jobs. */
function end(workflow: WorkflowRecord, node: NodeRecord, reader: Reader, now: Millis): Decided {
  const { gate, top } = readWorkflowSpec(workflow.spec);
  const jobsFailed = gate !== null && (reader.node(gate)?.failed ?? 0) > 0;
  if (reader.isMissing) return null;
  const state = node.failed === 0 ? 'completed' : 'failed';
  if (state === 'completed' && !jobsFailed) {
    return close(node, state, { end: { state, text: null }, events: [workflowCompleted(workflow, now)] });
  }
  const nodes = indexesOf([0, node.index]).flatMap((index) => reader.node(index) ?? []);
  if (reader.isMissing) return null;
  const failed = failedNodes(nodes);
  const errors = failed
    .slice(0, maxErrors)
    .map((one) => stepError(one, one.node.error === null ? reader.job(one.node.job ?? '') : null));
  if (reader.isMissing) return null;
  const step = workflow.kind === 'chain' ? failedStep(nodes, top) : null;
  const text: EndText = { ...(step !== null && { failed_step_index: step }), errors };
  const event =
    state === 'completed' ? workflowCompleted(workflow, now) : workflowFailed(workflow, failed[0], errors[0], now);
  return close(node, state, { end: { state, text: JSON.stringify(text) }, events: [event] });
}

/** The content of `WorkflowRecord.end`. */
export interface EndText {
  readonly failed_step_index?: number;
  readonly errors: readonly StepError[];
}

function reject(
  workflow: WorkflowRecord,
  node: NodeRecord,
  error: Readonly<Record<string, unknown>>,
  now: Millis,
): WorkflowStep {
  const text = JSON.stringify({ job_id: null, ...error });
  const spec = readNodeSpec(node.spec);
  const job = {
    type: spec.role === 'job' ? jobType(spec.job) : '',
    queue: nodeDestination(workflow, node, now)?.queue ?? '',
  };
  return close(node, 'failed', {
    error: text,
    events: node.member ? refusalEvents(workflow, node, job, text, now) : [],
  });
}

function close(
  node: NodeRecord,
  state: Close['state'],
  more: {
    readonly passes?: boolean;
    readonly result?: Json | null;
    readonly error?: Json;
    readonly end?: Close['end'];
    readonly events?: readonly Json[];
  } = {},
): Close {
  const { passes = state === 'completed', result = null, error = null, end = null, events = [] } = more;
  // A retry may open the node again before the step is done.
  return { kind: 'close', node: refOf(node), state, passes, result, error, end, events, failed: node.failed };
}

function refOf({ workflow, index }: NodeRecord): NodeRef {
  return { workflow, index };
}
