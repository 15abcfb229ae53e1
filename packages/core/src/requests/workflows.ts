/** Requests and answers about workflows, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import type { WorkflowState } from '../job/reopening.ts';
import type { Page } from '../job/selection.ts';
import { didYouMean } from '../suggestion.ts';
import { renderWorkflow } from '../workflow/render.ts';
import type { NodeRecord, WorkflowRecord } from '../workflow/types.ts';
import { type PageQuery, pagination, type Query, readPage } from './pages.ts';
import { ok, type PlainReply } from './reply.ts';

/** A workflow with everything for its rendering. */
export interface WorkflowView {
  readonly workflow: WorkflowRecord;
  readonly nodes: readonly NodeRecord[];
  readonly jobs: ReadonlyMap<JobId, JobRecord>;
}

/** The name of the state of a workflow that has not ended. */
type Running = 'running' | 'active';

export interface WorkflowList {
  readonly page: PageQuery;
  readonly query: {
    readonly states: readonly WorkflowState[] | null;
    readonly after?: string;
    readonly offset?: number;
    readonly limit: number;
  };
}

const states: readonly WorkflowState[] = ['running', 'completed', 'failed', 'cancelled'];

/** GET /workflows?state. @throws ProtocolError `invalid_request` */
export function readWorkflowList(query: Query): WorkflowList {
  const page = readPage(query);
  const asked =
    query.state === undefined || query.state === ''
      ? null
      : query.state.split(',').map((one) => (one === 'active' ? 'running' : one));
  const wrong = asked?.find((one) => !states.some((state) => state === one));
  if (wrong !== undefined)
    throw ProtocolError.invalid([
      { path: 'state', message: `must be a list out of ${states.join(', ')}.${didYouMean(wrong, states)}` },
    ]);
  const { cursor, offset, limit } = page;
  const wanted = asked === null ? null : states.filter((state) => asked.includes(state));
  return { page, query: { states: wanted, ...(cursor === null ? { offset } : { after: cursor }), limit } };
}

/** Newest first, without their steps. */
export function workflowListReply(
  page: PageQuery,
  found: Page<WorkflowRecord> & { readonly total: number },
  running: Running = 'running',
): PlainReply {
  const texts = found.items.map((workflow) => renderWorkflow(workflow, [], undefined, running));
  const items = `[${texts.join(',')}]`;
  const shownPage = JSON.stringify(pagination(page, found.total, found.items.length, found.next));
  return ok(`{"workflows":${items},"items":${items},"total":${found.total},"pagination":${shownPage}}`);
}

/** The workflow under its name, and at the top level, which some clients read. */
export function workflowReply({ workflow, nodes, jobs }: WorkflowView, running: Running = 'running'): PlainReply {
  const text = renderWorkflow(workflow, nodes, jobs, running);
  return ok(`{"workflow":${text},${text.slice(1)}`);
}

export function createdWorkflowReply(reply: PlainReply, { workflow }: Pick<WorkflowView, 'workflow'>): PlainReply {
  return { ...reply, status: 201, headers: { location: `/ojs/v1/workflows/${workflow.id}` } };
}

export function duplicateWorkflow(id: string): ProtocolError {
  return new ProtocolError('duplicate', `Another workflow has the id ${id}.`, { existing_workflow_id: id });
}

export function endedWorkflow({ id, state }: Pick<WorkflowRecord, 'id' | 'state'>): ProtocolError {
  const details = { workflow_id: id, current_state: state, expected_state: 'running' };
  return new ProtocolError('conflict', `The workflow is ${state}; expected running.`, details);
}
