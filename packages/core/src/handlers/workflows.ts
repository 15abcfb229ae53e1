import { ProtocolError } from '../errors.ts';
import { lastError } from '../job/history.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import type { Page } from '../job/selection.ts';
import { utf8Length } from '../json/json.ts';
import { notFound } from '../not-found.ts';
import { requireBody, wrongValue } from '../requests/fields.ts';
import { PageSize } from '../requests/page-size.ts';
import { pagination, readPage } from '../requests/pages.ts';
import { ok, type PlainReply } from '../requests/reply.ts';
import { readQuery } from '../schemas/requests.ts';
import { type Answered, ask, type Steps } from '../steps.ts';
import type { Workflows } from '../store/workflows.ts';
import { didYouMean } from '../suggestion.ts';
import type { Clock } from '../time/clock.ts';
import type { SentParent } from '../workflow/parent.ts';
import { renderWorkflow } from '../workflow/render.ts';
import { rerunWorkflow } from '../workflow/rerun.ts';
import { readNodeSpec, readWorkflowSpec } from '../workflow/spec.ts';
import type { NewNode, NodeRecord, WorkflowRecord } from '../workflow/types.ts';
import type { ReadWorkflow } from '../workflow/workflow.ts';
import { type Handlers, idOf, idsOf, inSteps, type Request } from './handler.ts';
import { checkRequest, type SchemaChecks } from './schema-checks.ts';
import { warningsOf } from './warnings.ts';

/** A workflow with everything for its rendering. */
export interface WorkflowView {
  readonly workflow: WorkflowRecord;
  readonly nodes: readonly NodeRecord[];
  readonly jobs: ReadonlyMap<JobId, JobRecord>;
}

interface Host {
  readonly clock: Clock;
  readonly jobs: { get(id: JobId): Answered<JobRecord | null> };
  readonly schemas: SchemaChecks;
  /** Each throws `not_found`. */
  readonly workflows: {
    /** Reads and checks a request; `newId` creates the ids of workflow and jobs. */
    read(text: Json, newId: () => JobId): ReadWorkflow;
    /** A repeated creation returns the workflow as it is now. Throws `duplicate` if another workflow has the id. */
    create(read: ReadWorkflow): Answered<WorkflowView>;
    get(id: string): Answered<WorkflowView>;
    /** Throws `conflict` if it has ended already. */
    cancel(id: string): Answered<WorkflowView>;
    retry(id: string, key: string | null): Answered<WorkflowView>;
  };
  /** Absent where no job has durable steps. */
  readonly children?: {
    /** @throws ProtocolError `conflict` if the lease of the parent does not hold. */
    adopt(parent: SentParent, workflow: string): Answered<void>;
  };
  readonly storage: {
    readonly workflows: {
      list(query: Parameters<Workflows['list']>[0]): Answered<Page<WorkflowRecord> & { readonly total: number }>;
      get(id: string): Answered<WorkflowRecord | null>;
      nodes(id: string, after: number, limit: number): Answered<readonly NodeRecord[]>;
    };
  };
}

const states = ['running', 'completed', 'failed', 'cancelled'] as const;

export const workflowHandlers: Handlers<
  Host,
  | 'workflow.create'
  | 'workflow.list'
  | 'workflow.get'
  | 'workflow.cancel'
  | 'workflow.retry'
  | 'workflow.rerun'
  | 'workflow.results'
> = {
  /** POST /workflows (ojs-http-binding §14). */
  'workflow.create': inSteps(function* (host, request) {
    const { clock, workflows } = host;
    const read = workflows.read(requireBody(request.body), idsOf(request, clock, 'workflow'));
    const warnings = warningsOf(read.unknown, request.strict);
    return { ...(yield* created(host, request, read)), warnings };
  }),
  /** GET /workflows?state: newest first, without their steps. */
  'workflow.list': inSteps(function* ({ storage }, request) {
    const { query } = request;
    const page = readPage(query);
    const asked = query.state ? query.state.split(',').map((one) => (one === 'active' ? 'running' : one)) : null;
    const wrong = asked?.find((one) => !states.some((state) => state === one));
    if (wrong !== undefined)
      throw wrongValue('state', `must be a list out of ${states.join(', ')}.${didYouMean(wrong, states)}`);
    const wanted = asked && states.filter((state) => asked.includes(state));
    const { cursor, offset, limit } = page;
    const place = cursor === null ? { offset } : { after: cursor };
    const found = yield* ask(storage.workflows.list({ states: wanted, ...place, limit }));
    const items = `[${found.items.map((one) => renderWorkflow(one, [], undefined, runningFor(request))).join(',')}]`;
    const shownPage = JSON.stringify(pagination(page, found.total, found.items.length, found.next));
    return ok(`{"workflows":${items},"items":${items},"total":${found.total},"pagination":${shownPage}}`);
  }),
  'workflow.get': inSteps(function* ({ workflows }, request) {
    return shown(yield* ask(workflows.get(idOf(request))), request);
  }),
  'workflow.cancel': inSteps(function* ({ workflows }, request) {
    return shown(yield* ask(workflows.cancel(idOf(request))), request);
  }),
  'workflow.retry': inSteps(function* ({ workflows }, request) {
    return shown(yield* ask(workflows.retry(idOf(request), request.key)), request);
  }),
  /** GET /workflows/:id/results: of the jobs in their order, so that a reader of thousands never holds them all. */
  'workflow.results': inSteps(function* ({ clock, jobs, storage }, request) {
    const id = idOf(request);
    const { after = -1, limit } = readQuery('workflow.results', request.query, clock.now());
    const most = Math.max(1, Math.min(resultPage.jobs, Number(limit ?? resultPage.jobs)));
    const workflow = yield* ask(storage.workflows.get(id));
    if (workflow === null) throw notFound('workflow', id);
    const { top } = readWorkflowSpec(workflow.spec);
    const texts: Json[] = [];
    const page = new PageSize(resultPage.bytes);
    let [bytes, last] = [0, after];
    while (texts.length < most && bytes < resultPage.bytes && last < top - 1) {
      const nodes = yield* ask(storage.workflows.nodes(id, last, Math.min(page.items, most - texts.length)));
      if (nodes.length === 0) break;
      const before = bytes;
      for (const node of nodes.filter(({ index }) => index < top)) {
        const hasError = node.state === 'failed' && node.error === null && node.job !== null;
        const text = resultText(node, hasError ? yield* ask(jobs.get(node.job ?? '')) : null);
        bytes += utf8Length(text);
        texts.push(text);
      }
      page.had(bytes - before);
      last = nodes.at(-1)?.index ?? top;
    }
    return ok(`{"results":[${texts.join(',')}],"next":${last < top - 1 ? last : null}}`);
  }),
  /** POST /workflows/:id/rerun: a new workflow with the definition of another one. */
  'workflow.rerun': inSteps(function* (host, request) {
    const id = idOf(request);
    const { workflow, nodes } = yield* ask(host.workflows.get(id));
    const again = rerunWorkflow(workflow, nodes, idsOf(request, host.clock, `rerun ${id}`));
    return yield* created(host, request, { ...again, steps: [], unknown: [] });
  }),
};

/** Jobs and bytes of a page of results. */
const resultPage = { jobs: 500, bytes: 4_194_304 } as const;

function resultText({ index, job: id, state, result, error }: NodeRecord, job: JobRecord | null): Json {
  const last = job === null ? error : JSON.stringify(lastError(job));
  let text = `{"index":${index},"job_id":${JSON.stringify(id)},"state":"${state}"`;
  if (state === 'completed' && result !== null) text += `,"result":${result}`;
  if (state === 'failed' && last !== null) text += `,"error":${last}`;
  return `${text}}`;
}

/** The name of the state of a workflow that has not ended. */
export function runningFor({ quirk }: Pick<Request, 'quirk'>): 'running' | 'active' {
  return quirk === 'admin page' ? 'active' : 'running';
}

export function duplicateWorkflow(id: string): ProtocolError {
  return new ProtocolError('duplicate', `Another workflow has the id ${id}.`, { existing_workflow_id: id });
}

export function endedWorkflow({ id, state }: Pick<WorkflowRecord, 'id' | 'state'>): ProtocolError {
  const details = { workflow_id: id, current_state: state, expected_state: 'running' };
  return new ProtocolError('conflict', `The workflow is ${state}; expected running.`, details);
}

function* created({ children, schemas, workflows }: Host, request: Request, read: ReadWorkflow): Steps<PlainReply> {
  request.access?.steps(read);
  yield* checkSteps(schemas, read.nodes);
  if (read.parent && children) {
    if (request.access) yield* ask(request.access.jobs([read.parent.job]));
    yield* ask(children.adopt(read.parent, read.workflow.id));
  }
  const view = yield* ask(workflows.create(read));
  const headers = { location: `/ojs/v1/workflows/${view.workflow.id}` };
  return { ...shown(view, request), status: 201, headers };
}

/** Checks all args before anything starts: a step that can never be enqueued would block the workflow. */
function* checkSteps(schemas: SchemaChecks, nodes: readonly NewNode[]): Steps<void> {
  if (!(yield* ask(schemas.any()))) return;
  for (const { name, spec } of nodes) {
    const read = readNodeSpec(spec);
    if (read.role !== 'job') continue;
    try {
      yield* checkRequest(schemas, read.job);
    } catch (error) {
      throw error instanceof ProtocolError
        ? new ProtocolError(error.code, `Step ${name}: ${error.message}`, { ...error.details, step: name }, error.hint)
        : error;
    }
  }
}

/** The workflow under its name, and at the top level, which some clients read. */
function shown({ workflow, nodes, jobs }: WorkflowView, request: Request): PlainReply {
  const text = renderWorkflow(workflow, nodes, jobs, runningFor(request));
  return ok(`{"workflow":${text},${text.slice(1)}`);
}
