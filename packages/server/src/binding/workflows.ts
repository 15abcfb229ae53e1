import { runningFor, workflowHandlers as shared } from '@ojs-ts/core/handlers';
import { type JobRecord, progressOf, State, stateName } from '@ojs-ts/core/job';
import { type NodeRecord, readNodeSpec, renderGraph } from '@ojs-ts/core/workflow';
import type { Parts } from '../engine/engine.ts';
import type { BindingRequest, Handler, Handlers } from './handler.ts';
import { held, waitForRoom } from './pieces.ts';
import { json, ok, type Reply } from './reply.ts';

type Engine = Parts<
  'answers' | 'children' | 'jobs' | 'clock' | 'memory' | 'queues' | 'schemas' | 'searches' | 'storage' | 'workflows'
>;

/** Steps that an answer about progress lists. */
const stepsShown = 100;

export const workflowHandlers: Handlers<keyof typeof shared | 'workflow.progress' | 'workflow.graph'> = {
  ...shared,
  'workflow.create': counted(shared['workflow.create']),
  'workflow.get': async (engine, request, about, failed) => {
    await waitForRoom(engine);
    return counted(shared['workflow.get'])(engine, request, about, failed);
  },
  'workflow.cancel': counted(shared['workflow.cancel']),
  'workflow.retry': counted(shared['workflow.retry']),
  'workflow.rerun': counted(shared['workflow.rerun']),
  'workflow.results': counted(shared['workflow.results']),
  'workflow.progress': workflowProgress,
  'workflow.graph': workflowGraph,
};

/** A workflow may be large: its answer takes memory until it is delivered. */
function counted(handler: Handler): Handler {
  return async (engine, request, about, failed) => {
    const reply = await handler(engine, request, about, failed);
    return { ...reply, ...held(engine, reply.text.length) };
  };
}

/**
 * GET /workflows/:id/progress (ojs-progress §6): the completed steps, which the workflow counts, and the progress of
 * the others among the first ones. So 10,000 steps cost as much as a hundred.
 */
async function workflowProgress(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { workflow, nodes, jobs } = await engine.workflows.first(idOf(request), stepsShown);
  const steps = nodes.map((node) => stepProgress(node, node.job === null ? undefined : jobs.get(node.job)));
  const done = nodes.filter(({ state }) => state === 'completed').length;
  const sum = steps.reduce((total, { progress }) => total + progress, Math.max(0, workflow.completed - done));
  return json({
    workflow_id: workflow.id,
    type: workflow.kind,
    state: workflow.state === 'running' ? runningFor(request) : workflow.state,
    progress: workflow.total === 0 ? 0 : Math.min(1, Math.round((sum / workflow.total) * 10_000) / 10_000),
    steps_total: workflow.total,
    steps_completed: workflow.completed,
    steps,
  });
}

function stepProgress(node: NodeRecord, job: JobRecord | undefined) {
  const spec = readNodeSpec(node.spec);
  const type: unknown = spec.role === 'job' ? JSON.parse(spec.job).type : null;
  const report = job === undefined ? null : progressOf(job);
  return {
    job_id: node.job,
    type,
    state: job?.state === State.active ? stateName(State.active) : node.state,
    progress: node.state === 'completed' ? 1 : (report?.fraction ?? 0),
    data: report === null || report.data === null ? null : JSON.parse(report.data),
  };
}

/** GET /workflows/:id/graph: every node with its state and what it waits for. */
async function workflowGraph(engine: Engine, request: BindingRequest): Promise<Reply> {
  await waitForRoom(engine);
  const { workflow, nodes, jobs } = await engine.workflows.get(idOf(request));
  const text = renderGraph(workflow, nodes, jobs, runningFor(request));
  return { ...ok(text), ...held(engine, text.length) };
}

function idOf({ params }: BindingRequest): string {
  return params.id ?? '';
}
