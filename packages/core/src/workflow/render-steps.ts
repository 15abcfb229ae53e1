import { lastError } from '../job/history.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { State } from '../job/states.ts';
import { members } from '../json/json.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { isRefused } from './failures.ts';
import { runs } from './rules.ts';
import { type JobSpec, readNodeSpec, type WorkflowSpec } from './spec.ts';
import type { NodeRecord, WorkflowRecord } from './types.ts';

/** ojs-workflows §4.4. */
export type StepState = 'waiting' | 'pending' | 'active' | 'completed' | 'failed' | 'cancelled';

type Jobs = ReadonlyMap<JobId, JobRecord>;

/** The items of a composite and its callbacks. */
interface Composite {
  readonly kind: string;
  readonly key: string;
  readonly base: number;
  readonly count: number;
  readonly callbacks: readonly number[];
}

/** `steps` or `jobs`, and `callbacks`, as members of the workflow's text. */
export function renderSteps(
  record: WorkflowRecord,
  spec: WorkflowSpec,
  nodes: readonly NodeRecord[],
  jobs: Jobs,
): string {
  const { top, key, callbacks } = spec;
  return new Steps(record, nodes, jobs).composite(
    { kind: record.kind, key, base: 0, count: top, callbacks },
    true,
    spec.listed,
  ).text;
}

interface Rendered {
  readonly text: Json;
  readonly state: StepState;
}

class Steps {
  readonly #workflow: WorkflowRecord;
  readonly #nodes: readonly NodeRecord[];
  readonly #jobs: Jobs;

  constructor(workflow: WorkflowRecord, nodes: readonly NodeRecord[], jobs: Jobs) {
    this.#workflow = workflow;
    this.#nodes = nodes;
    this.#jobs = jobs;
  }

  /** @param listed true if callbacks are listed among the items. */
  composite(
    { kind, key, base, count, callbacks }: Composite,
    isTop: boolean,
    listed: boolean,
  ): { text: string; states: readonly StepState[] } {
    const items: Json[] = [];
    const states: StepState[] = [];
    const names: string[] = [];
    for (const node of this.#nodes.slice(base, base + count)) {
      const before = kind === 'chain' ? names.slice(-1) : isTop ? this.#dependencies(node) : [];
      const { text, state } = this.#item(node, items.length, before);
      items.push(text);
      states.push(state);
      names.push(node.name);
    }
    const fired: string[] = [];
    for (const index of callbacks) {
      const node = this.#nodes[index];
      if (node === undefined) continue;
      const spec = readNodeSpec(node.spec);
      if (spec.role !== 'job') continue;
      const { text, state } = this.#job(node, spec, null, []);
      states.push(state);
      fired.push(`"${spec.callback}":${text}`);
      if (listed) items.push(this.#job(node, spec, items.length, names).text);
    }
    const list = `,"${key}":[${items.join(',')}]`;
    return { text: fired.length === 0 ? list : `${list},"callbacks":{${fired.join(',')}}`, states };
  }

  #item(node: NodeRecord, index: number, before: readonly string[]): Rendered {
    const spec = readNodeSpec(node.spec);
    if (spec.role === 'job') return this.#job(node, spec, index, before);
    if (!('block' in spec)) return { text: 'null', state: 'waiting' };
    const [base, count] = spec.block;
    const inner = this.composite(
      { kind: spec.role, key: spec.key, base, count, callbacks: spec.callbacks },
      false,
      false,
    );
    const state = isClosed(node.state) ? node.state : begun(inner.states);
    const text = `${head(node, index, `"${spec.role}"`, state, before)},"job_id":null${inner.text}${end(node)}}`;
    return { text, state };
  }

  #job(node: NodeRecord, spec: JobSpec, index: number | null, before: readonly string[]): Rendered {
    const envelope = members(spec.job);
    const job = (node.job === null ? undefined : this.#jobs.get(node.job)) ?? null;
    const { state, hasJob } = jobStep(this.#workflow, this.#nodes, node, spec, job);
    let text = head(node, index, envelope.get('type') ?? '""', state, before);
    text += `,"args":${envelope.get('args') ?? '[]'},"job_id":${hasJob ? `"${node.job}"` : 'null'}`;
    if (hasJob && job !== null && job.startedAt !== null) text += `,"started_at":"${formatTimestamp(job.startedAt)}"`;
    if (node.state === 'failed') text += errorOf(node, job);
    return { text: `${text}${end(node)}}`, state };
  }

  /** Names of the steps that an item of a graph depends on; what is nested depends on them by its first job. */
  #dependencies(node: NodeRecord): readonly string[] {
    const spec = readNodeSpec(node.spec);
    if (spec.role === 'job') return (spec.parents.deps ?? []).flatMap((index) => this.#nodes[index]?.name ?? []);
    const first = 'block' in spec ? this.#nodes[spec.block[0]] : undefined;
    return first === undefined ? [] : this.#dependencies(first);
  }
}

/** The state of a step that is a job, and whether the job was made. */
export function jobStep(
  workflow: WorkflowRecord,
  nodes: readonly NodeRecord[],
  node: NodeRecord,
  spec: JobSpec,
  job: JobRecord | null,
): { readonly state: StepState; readonly hasJob: boolean } {
  const isRun = node.open === 0 && runs(node, spec, nodes[spec.parents.block?.[0] ?? -1] ?? null);
  const state = stateOf(workflow, node, job, isRun);
  return { state, hasJob: isRun && state !== 'waiting' && !isRefused(node) };
}

/** A node that is ready while its workflow runs is as good as enqueued. */
function stateOf(workflow: WorkflowRecord, node: NodeRecord, job: JobRecord | null, isRun: boolean): StepState {
  if (isClosed(node.state)) return node.state;
  if (node.state === 'waiting') return isRun && workflow.state === 'running' ? 'pending' : 'waiting';
  return job?.state === State.active ? 'active' : 'pending';
}

export function isClosed(state: NodeRecord['state']): state is 'completed' | 'failed' | 'cancelled' {
  return state !== 'waiting' && state !== 'pending';
}

/** The state of a composite that has not ended. */
export function begun(states: readonly StepState[]): StepState {
  if (states.every((state) => state === 'waiting')) return 'waiting';
  return states.every((state) => state === 'waiting' || state === 'pending') ? 'pending' : 'active';
}

function head(node: NodeRecord, index: number | null, type: Json, state: StepState, before: readonly string[]): string {
  const place = index === null ? '' : `"index":${index},`;
  return `{${place}"id":${JSON.stringify(node.name)},"type":${type},"state":"${state}","depends_on":${JSON.stringify(before)}`;
}

/** A cancelled step has no `completed_at`. */
function end({ state, result, closedAt }: NodeRecord): string {
  const text = state === 'completed' && result !== null ? `,"result":${result}` : '';
  return state === 'cancelled' || closedAt === null ? text : `${text},"completed_at":"${formatTimestamp(closedAt)}"`;
}

/** The member of a failed step; empty where nothing is known. */
export function errorOf(node: NodeRecord, job: JobRecord | null): string {
  if (node.error !== null) return `,"error":${node.error}`;
  const error = job === null ? null : lastError(job);
  return error === null
    ? ''
    : `,"error":${JSON.stringify({ code: error.code, type: error.type, message: error.message, attempt: error.attempt })}`;
}
