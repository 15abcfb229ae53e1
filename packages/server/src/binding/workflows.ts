import { ProtocolError } from '@ojs-ts/core';
import { type JobRecord, progressOf, State, stateName } from '@ojs-ts/core/job';
import {
  createdWorkflowReply,
  readWorkflowList,
  type WorkflowView,
  workflowListReply,
  workflowReply,
} from '@ojs-ts/core/requests';
import { type NewNode, type NodeRecord, readNodeSpec, renderGraph } from '@ojs-ts/core/workflow';
import type { Parts } from '../engine/engine.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { Ids } from './ids.ts';
import { held, waitForRoom } from './pieces.ts';
import { json, ok, type Reply } from './reply.ts';
import { checkRequest } from './schemas.ts';
import { warningsOf } from './warnings.ts';

type Engine = Parts<'answers' | 'clock' | 'memory' | 'queues' | 'schemas' | 'searches' | 'storage' | 'workflows'>;

export const workflowHandlers: Handlers<
  | 'workflow.create'
  | 'workflow.list'
  | 'workflow.get'
  | 'workflow.cancel'
  | 'workflow.retry'
  | 'workflow.rerun'
  | 'workflow.progress'
  | 'workflow.graph'
> = {
  'workflow.create': createWorkflow,
  'workflow.list': listWorkflows,
  'workflow.get': async (engine, request) => {
    await waitForRoom(engine);
    return shown(engine, await engine.workflows.get(idOf(request)), request);
  },
  'workflow.cancel': async (engine, request) => shown(engine, await engine.workflows.cancel(idOf(request)), request),
  'workflow.retry': async (engine, request) =>
    shown(engine, await engine.workflows.retry(idOf(request), request.key), request),
  'workflow.rerun': rerunWorkflow,
  'workflow.progress': workflowProgress,
  'workflow.graph': workflowGraph,
};

/** POST /workflows (ojs-http-binding §14). */
async function createWorkflow(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { body, key } = request;
  if (body === undefined || body === '')
    throw new ProtocolError('invalid_payload', 'The request body is empty; expected a JSON object.');
  const ids = new Ids(engine, key, 'workflow');
  const read = engine.workflows.read(body, () => ids.next());
  request.access?.steps(read);
  const warnings = warningsOf(read.unknown, request.strict);
  await checkSteps(engine, read.nodes);
  const view = await engine.workflows.create(read);
  return { ...createdReply(engine, view, request), warnings };
}

/** POST /workflows/:id/rerun: a new workflow with the definition of another one. */
async function rerunWorkflow(engine: Engine, request: BindingRequest): Promise<Reply> {
  const id = idOf(request);
  const ids = new Ids(engine, request.key, `rerun ${id}`);
  const read = await engine.workflows.again(id, () => ids.next());
  request.access?.steps(read);
  await checkSteps(engine, read.nodes);
  return createdReply(engine, await engine.workflows.create(read), request);
}

function createdReply(engine: Engine, view: WorkflowView, request: BindingRequest): Reply {
  return createdWorkflowReply(shown(engine, view, request), view);
}

/** Checks all args before anything starts: a step that can never be enqueued would block the workflow. */
async function checkSteps(engine: Engine, nodes: readonly NewNode[]): Promise<void> {
  if (!(await engine.schemas.any())) return;
  for (const { name, spec } of nodes) {
    const read = readNodeSpec(spec);
    if (read.role !== 'job') continue;
    try {
      await checkRequest(engine, read.job);
    } catch (error) {
      throw error instanceof ProtocolError
        ? new ProtocolError(error.code, `Step ${name}: ${error.message}`, { ...error.details, step: name }, error.hint)
        : error;
    }
  }
}

/** GET /workflows?state: newest first, without their steps. */
async function listWorkflows(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { page, query } = readWorkflowList(request.query);
  return workflowListReply(page, await engine.storage.workflows.list(query), runningFor(request));
}

/**
 * GET /workflows/:id/progress (ojs-progress §6): for a chain and a graph the finished steps and the progress of the
 * running ones, for others the mean.
 */
async function workflowProgress(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { workflow, nodes, jobs } = await engine.workflows.get(idOf(request));
  const members = nodes.filter(({ member }) => member);
  const steps = members.map((node) => stepProgress(node, node.job === null ? undefined : jobs.get(node.job)));
  const sum = steps.reduce((total, { progress }) => total + progress, 0);
  return json({
    workflow_id: workflow.id,
    type: workflow.kind,
    state: workflow.state === 'running' ? runningFor(request) : workflow.state,
    progress: steps.length === 0 ? 0 : Math.round((sum / steps.length) * 10_000) / 10_000,
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

function shown(engine: Engine, view: WorkflowView, request: BindingRequest): Reply {
  const reply = workflowReply(view, runningFor(request));
  return { ...reply, ...held(engine, reply.text.length) };
}

/** The name of the state of a workflow that has not ended. */
function runningFor({ quirk }: BindingRequest): 'running' | 'active' {
  return quirk === 'admin page' ? 'active' : 'running';
}

function idOf({ params }: BindingRequest): string {
  return params.id ?? '';
}
