import { uuidv7 } from '@ojs-ts/core';
import type { Connection } from '../connection.ts';
import type { CallOptions } from '../options.ts';
import { readWorkflow, type Workflow } from './workflow.ts';

export async function getWorkflow(connection: Connection, workflowId: string, options: CallOptions): Promise<Workflow> {
  return readWorkflow(await connection.call({ operation: 'workflow.get', params: { id: workflowId } }, options));
}

export async function cancelWorkflow(connection: Connection, workflowId: string, options: CallOptions): Promise<Workflow> {
  const params = { id: workflowId };
  const body = await connection.call(
    { operation: 'workflow.cancel', params, idempotencyKey: uuidv7() },
    options,
    {},
    {
      recover: async (error, call) =>
        error.statusCode === 409 && error.error.details.current_state === 'cancelled' ? call({ operation: 'workflow.get', params }) : null,
    },
  );
  return readWorkflow(body);
}
