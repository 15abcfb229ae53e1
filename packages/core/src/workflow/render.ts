import type { JobId, JobRecord, Json } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { EndText } from './decide.ts';
import { failedNodes, isRefused } from './failures.ts';
import { renderSteps } from './render-steps.ts';
import { readWorkflowSpec, type WorkflowSpec } from './spec.ts';
import type { NodeRecord, WorkflowRecord } from './types.ts';

/**
 * The wire object of a workflow: a superset of ojs-workflows §11, ojs-http-binding §14 and OpenAPI.
 * @param nodes all of them by index, for the steps; none gives the summary that lists have, where the completed items
 * of a nested workflow are estimated from its completed jobs.
 * @param jobs of the steps that have one, as far as they are kept: they show which are active and when they started.
 * @param running what a workflow that has not ended is called.
 */
export function renderWorkflow(
  record: WorkflowRecord,
  nodes: readonly NodeRecord[],
  jobs: ReadonlyMap<JobId, JobRecord> = new Map(),
  running: 'running' | 'active' = 'running',
): Json {
  const { id, kind, name, state } = record;
  const spec = readWorkflowSpec(record.spec);
  const done = completedItems(record, spec, nodes);
  const times = timesOf(record, jobs);
  let text = `{"id":"${id}","type":"${kind}","name":${JSON.stringify(name)},"state":"${state === 'running' ? running : state}"`;
  if (nodes.length > 0) text += renderSteps(record, spec, nodes, jobs);
  text += `,"steps_total":${spec.top},"steps_completed":${done},"jobs_total":${spec.top},"jobs_completed":${done}`;
  for (const [field, at] of times) text += `,"${field}":"${formatTimestamp(at)}"`;
  if (state === 'cancelled')
    text += `,"steps_cancelled":${record.cancelled},"steps_already_completed":${record.completed}`;
  text += renderErrors(record, nodes);
  if (spec.parent !== null)
    text += `,"x_parent":{"job_id":"${spec.parent.job}","step":${JSON.stringify(spec.parent.step)}}`;
  if (spec.meta !== null) text += `,"meta":${spec.meta}`;
  return `${text},"metadata":${metadata(record, spec, times)}}`;
}

function completedItems(
  { total, completed }: WorkflowRecord,
  { top, nested }: WorkflowSpec,
  nodes: readonly NodeRecord[],
): number {
  if (!nested) return completed;
  if (nodes.length === 0) return Math.floor((top * completed) / Math.max(1, total));
  return nodes.slice(0, top).filter((node) => node.state === 'completed').length;
}

function timesOf(
  { state, createdAt, finishedAt }: WorkflowRecord,
  jobs: ReadonlyMap<JobId, JobRecord>,
): readonly (readonly [string, Millis])[] {
  const starts = [...jobs.values()].flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]));
  const started = starts.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY);
  return [
    ['created_at', createdAt],
    ...(starts.length > 0 ? [['started_at', started] as const] : []),
    ...(finishedAt === null ? [] : [[state === 'cancelled' ? 'cancelled_at' : 'completed_at', finishedAt] as const]),
  ];
}

/** ojs-workflows §9.6. A batch that is completed has them too, where jobs of it failed. */
function renderErrors({ state, end: text }: WorkflowRecord, nodes: readonly NodeRecord[]): string {
  const end: EndText = text === null ? { errors: [] } : JSON.parse(text);
  const failed =
    nodes.length === 0
      ? end.errors.map(({ job_id }) => job_id)
      : failedNodes(nodes).flatMap(({ node }) => (isCounted(node, state) ? node.job : []));
  const ids = failed.filter((id) => id !== null);
  const [first] = end.errors;
  let fields = '';
  if (state === 'failed' && first) fields += `,"error":${JSON.stringify({ code: first.code, message: first.message })}`;
  if (end.failed_step_index !== undefined) fields += `,"failed_step_index":${end.failed_step_index}`;
  if (state === 'failed' || ids.length > 0) fields += `,"failed_job_ids":${JSON.stringify(ids)}`;
  if (state === 'failed' || end.errors.length > 0) fields += `,"errors":${JSON.stringify(end.errors)}`;
  return fields;
}

/** Reports whether a failed node had a job that failed. A node that was cancelled with its workflow had none. */
function isCounted(node: NodeRecord, workflow: WorkflowRecord['state']): boolean {
  return !isRefused(node) && (node.state === 'failed' || workflow !== 'cancelled');
}

/** ojs-workflows §3.3, beside what the client gave. */
function metadata(record: WorkflowRecord, spec: WorkflowSpec, times: readonly (readonly [string, Millis])[]): Json {
  const fields = new Map(spec.meta === null ? [] : members(spec.meta));
  for (const [name, at] of times) fields.set(name, `"${formatTimestamp(at)}"`);
  fields.set('job_count', String(record.total));
  fields.set('completed_count', String(record.completed));
  fields.set('failed_count', String(record.failed));
  fields.set('cancelled_count', String(record.cancelled));
  return objectText(fields);
}
