import type { Connection } from '../connection/connection.ts';
import { WorkflowWaiter } from '../events/workflow-waiter.ts';
import type { CallOptions } from '../job/options.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { getJob } from '../operations/jobs/jobs.ts';
import { getWorkflow, workflowRows } from './calls.ts';
import type { WorkflowDefinition } from './definition.ts';
import { type WorkflowCalls, type WorkflowHandle, workflowHandleOf } from './handle.ts';
import { shapeOfWire } from './shape.ts';
import { startWorkflow } from './start.ts';
import type { Workflow } from './workflow.ts';

/**
 * Starts a workflow. Each job passes the enqueue middleware by itself.
 * @throws {OJSValidationError} before anything is sent, with the path of the bad step.
 */
export async function openWorkflow<X>(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  definition: WorkflowDefinition<X>,
  queue: string | undefined,
  options: CallOptions,
): Promise<WorkflowHandle<X>> {
  connection.checkCall(options);
  const { workflow, shape } = await startWorkflow(connection, middleware, definition, queue, options);
  return workflowHandleOf<X>(workflow, callsOf(connection), () => shape);
}

/** The handle of a workflow that was read from the server. */
export function handleOfFound(connection: Connection, found: Workflow): WorkflowHandle<unknown> {
  return workflowHandleOf(found, callsOf(connection), ({ raw }) => shapeOfWire(raw));
}

const callsByConnection = new WeakMap<Connection, WorkflowCalls>();

/** All waits of a client share one stream. */
function callsOf(connection: Connection): WorkflowCalls {
  const before = callsByConnection.get(connection);
  if (before !== undefined) return before;
  const waiter = new WorkflowWaiter(connection, (workflowId, signal) =>
    connection.ask(getWorkflow(workflowId), { signal }),
  );
  const calls: WorkflowCalls = {
    readJob: (jobId) => connection.ask(getJob(jobId), {}),
    read: (workflowId) => connection.ask(getWorkflow(workflowId), {}),
    cancel: (workflowId) => connection.ask(workflowRows.cancelWorkflow(workflowId), {}),
    ended: (workflowId, deadline) => waiter.waitFor(workflowId, deadline),
  };
  callsByConnection.set(connection, calls);
  return calls;
}
