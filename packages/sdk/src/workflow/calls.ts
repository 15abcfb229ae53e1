import type { Call, NamesOf } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { asFound } from '../connection/recovery.ts';
import { compact, eachOf, numberOf, objectOf, textOf, type Wire } from '../json.ts';
import { type PageOptions, type PageQuery, pageNames } from '../operations/page.ts';
import { change, list, read } from '../operations/row.ts';
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

export function getWorkflow(workflowId: string): Operation<Workflow> {
  return read(getCall(workflowId), readWorkflow);
}

export function rerunWorkflow(workflowId: string): Operation<Workflow> {
  return change({ operation: 'workflow.rerun', params: { id: workflowId } }, readWorkflow);
}

type ListOptions = PageOptions & { state?: WorkflowState | undefined };
const listNames: NamesOf<ListOptions> = { ...pageNames, state: true };

export const workflowRows = {
  /** Workflows, newest first, without their steps. */
  listWorkflows: {
    names: listNames,
    make:
      ({ state }: ListOptions) =>
      (query: PageQuery) =>
        list('workflow.list', query, ['workflows', 'items'], readWorkflow, { state }),
  },
  /** The progress of a workflow and of each of its jobs. @throws {JobNotFoundError} */
  workflowProgress: (workflowId: string) =>
    read(
      { operation: 'workflow.progress', params: { id: workflowId } },
      (body): WorkflowProgress => ({
        percent: percentOf(body.progress),
        steps: eachOf(body.steps, objectOf(readStep)),
      }),
    ),
  /**
   * Cancels a workflow: no further step starts, and jobs that run may finish (ojs-workflows §9.5). @throws
   * {JobNotFoundError}
   */
  cancelWorkflow: (workflowId: string) =>
    change({ operation: 'workflow.cancel', params: { id: workflowId } }, readWorkflow, {
      settings: {
        recover: ({ statusCode, error }) =>
          statusCode === 409 && error.details.current_state === 'cancelled' ? asFound(getCall(workflowId)) : null,
      },
    }),
  /**
   * Retries all failed steps of a workflow, which then continues: later steps wait for them again, and steps that have
   * completed do not run again. The server of this project has this operation, others answer `not_found`.
   * @throws {JobNotFoundError} {OJSConflictError} if the workflow could not complete by it; nothing is changed then.
   */
  retryWorkflow: (workflowId: string) =>
    change({ operation: 'workflow.retry', params: { id: workflowId } }, readWorkflow),
};

/** ojs-progress §9. */
function readStep({ job_id, type, state, progress, data }: Wire): WorkflowProgress['steps'][number] {
  return compact({
    ...{ jobId: textOf(job_id), type: textOf(type) ?? '', state: textOf(state) ?? 'waiting' },
    ...{ percent: percentOf(progress), data: data ?? undefined },
  });
}

function percentOf(fraction: unknown): number {
  return Math.round((numberOf(fraction) ?? 0) * 1e6) / 1e4;
}

function getCall(id: string): Call {
  return { operation: 'workflow.get', params: { id } };
}
