import { type Call, isObject, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { asFound } from '../connection/recovery.ts';
import { compact, eachOf, listOf, numberOf, textOf } from '../json.ts';
import { type PageOf, type PageQuery, readPage } from '../operations/page.ts';
import { readWorkflow, type Workflow, type WorkflowProgress, type WorkflowState } from './workflow.ts';

/** The id is also the idempotency key: if the answer is lost, the call is repeated and still starts one workflow. */
export function* createWorkflow(id: string, text: string): Operation<Workflow> {
  const body = yield {
    call: { operation: 'workflow.create', body: text, idempotencyKey: id },
    settings: {
      // A server without idempotency keys answers the repeated call with a conflict that names this id.
      recover: ({ code, error }) =>
        code === 'duplicate' && error.details.existing_workflow_id === id ? asFound(getCall(id)) : null,
    },
  };
  return readWorkflow(body);
}

export function* getWorkflow(workflowId: string): Operation<Workflow> {
  return readWorkflow(yield { call: getCall(workflowId) });
}

export function* cancelWorkflow(workflowId: string): Operation<Workflow> {
  const body = yield {
    call: { operation: 'workflow.cancel', params: { id: workflowId }, idempotencyKey: uuidv7() },
    settings: {
      recover: ({ statusCode, error }) =>
        statusCode === 409 && error.details.current_state === 'cancelled' ? asFound(getCall(workflowId)) : null,
    },
  };
  return readWorkflow(body);
}

export function* retryWorkflow(workflowId: string): Operation<Workflow> {
  return readWorkflow(
    yield { call: { operation: 'workflow.retry', params: { id: workflowId }, idempotencyKey: uuidv7() } },
  );
}

export function* rerunWorkflow(workflowId: string): Operation<Workflow> {
  return readWorkflow(
    yield { call: { operation: 'workflow.rerun', params: { id: workflowId }, idempotencyKey: uuidv7() } },
  );
}

/** Newest first, without their steps. */
export function* listWorkflows(state: WorkflowState | undefined, query: PageQuery): Operation<PageOf<Workflow>> {
  const body = yield { call: { operation: 'workflow.list', query: { ...query, state } } };
  return readPage(body, query, listOf(body.workflows ?? body.items).map(readWorkflow));
}

/** ojs-progress §9. */
export function* workflowProgress(workflowId: string): Operation<WorkflowProgress> {
  const body = yield { call: { operation: 'workflow.progress', params: { id: workflowId } } };
  const steps = eachOf(body.steps, (raw) =>
    isObject(raw)
      ? compact({
          jobId: textOf(raw.job_id),
          type: textOf(raw.type) ?? '',
          state: textOf(raw.state) ?? 'waiting',
          percent: percentOf(raw.progress),
          data: raw.data ?? undefined,
        })
      : undefined,
  );
  return { percent: percentOf(body.progress), steps };
}

function percentOf(fraction: unknown): number {
  return Math.round((numberOf(fraction) ?? 0) * 1e6) / 1e4;
}

function getCall(id: string): Call {
  return { operation: 'workflow.get', params: { id } };
}
