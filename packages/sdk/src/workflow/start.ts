import { uuidv7 } from '@ojs-ts/core';
import { type Connection, expiry } from '../connection.ts';
import { Deadline } from '../deadline.ts';
import { check } from '../enqueue/request.ts';
import { type OJSError, OJSValidationError } from '../errors.ts';
import { readJob } from '../job.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { type CallOptions, type JobRequest, type WireBody, wireBody } from '../options.ts';
import { serverTraits } from '../server-traits.ts';
import type { WorkflowDefinition } from './definition.ts';
import { gather } from './gather.ts';
import { type JobPlan, jobsOf, planOf } from './plan.ts';
import { type Shape, shapeOfPlan } from './shape.ts';
import { workflowBody } from './wire.ts';
import { readWorkflow, type Workflow } from './workflow.ts';

export interface Started {
  readonly workflow: Workflow;
  readonly shape: Shape;
}

/**
 * Checks a definition, lets each of its jobs pass the middleware, checks again and sends it. The id is minted here and is the idempotency key, too: a call
 * whose answer was lost is repeated and starts it once.
 */
export async function startWorkflow(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  definition: WorkflowDefinition,
  queue: string | undefined,
  options: CallOptions,
): Promise<Started> {
  const ms = connection.deadlineMs(options);
  const failures: OJSError[] = [];
  using deadline = new Deadline(ms, () => expiry('workflow.create', ms, {}, failures), options.signal);
  return await deadline.race(start(connection, middleware, definition, queue, deadline, failures));
}

async function start(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  definition: WorkflowDefinition,
  queue: string | undefined,
  deadline: Deadline,
  failures: OJSError[],
): Promise<Started> {
  const plan = planOf(definition);
  const jobs = jobsOf(plan);
  const requests = await Promise.all(jobs.map((job) => at(job.path, async () => checked(inQueue(job.request, queue)))));
  const paths = jobs.map(({ path }) => path);
  const send = async (final: readonly JobRequest[]) => {
    const bodies = new Map<JobPlan, WireBody>();
    await Promise.all(
      jobs.map(async (job, index) => bodies.set(job, await at(job.path, async () => wireBody(await checked(final[index] ?? job.request))))),
    );
    const { nestedWorkflows } = await deadline.race(serverTraits(connection));
    deadline.signal.throwIfAborted();
    const id = uuidv7();
    const body = workflowBody(plan, id, bodies, nestedWorkflows);
    const answer = await connection.callWithin(
      deadline,
      { operation: 'workflow.create', body, idempotencyKey: id },
      {},
      {
        // A server without idempotency keys finds the id of the first call in its way.
        recover: async (error, call) =>
          error.code === 'duplicate' && error.error.details.existing_workflow_id === id
            ? call({ operation: 'workflow.get', params: { id } })
            : null,
      },
      failures,
    );
    const workflow = readWorkflow(answer);
    const byId = new Map(workflow.steps.map((step) => [step.id, step] as const));
    const seen = jobs.map((job) => {
      const body = bodies.get(job);
      // A step that waits for others has no job yet.
      return readJob({ ...body, id: byId.get(job.id)?.jobId ?? '', state: 'pending', workflow_id: workflow.id, ...body?.options });
    });
    return { answer: { workflow, shape: shapeOfPlan(plan) }, jobs: seen };
  };
  return gather(middleware, requests, paths, send);
}

/** Before any middleware sees the request, and after the last one has. Its args are sent as they were given: the worker parses them again. */
async function checked(request: JobRequest): Promise<JobRequest> {
  await check(request);
  return request;
}

function inQueue(request: JobRequest, queue: string | undefined): JobRequest {
  return request.queue === undefined && queue !== undefined ? { ...request, queue } : request;
}

/** What is wrong with a job, with the job's place before it. */
async function at<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OJSValidationError) || error.issues.length === 0) throw error;
    const issues = error.issues.map((issue) => ({ path: `${path}.${issue.path}`, message: issue.message }));
    throw new OJSValidationError(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), { issues });
  }
}
