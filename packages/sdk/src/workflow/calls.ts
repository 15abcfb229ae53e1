import { type Call, uuidv7 } from '@ojs-ts/core';
import { asFound } from '../jobs.ts';
import type { Operation } from '../operation.ts';
import { readWorkflow, type Workflow } from './workflow.ts';

/** The id is minted before and is the idempotency key, too: a call whose answer was lost is repeated and starts it once. */
export function* createWorkflow(id: string, text: string): Operation<Workflow> {
  const body = yield {
    call: { operation: 'workflow.create', body: text, idempotencyKey: id },
    settings: {
      // A server without idempotency keys finds the id of the first call in its way.
      recover: ({ code, error }) => (code === 'duplicate' && error.details.existing_workflow_id === id ? asFound(getCall(id)) : null),
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

function getCall(id: string): Call {
  return { operation: 'workflow.get', params: { id } };
}
