import { uuidv7 } from '@ojs-ts/core';
import { expiry } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import type { Logger } from '../connection/logger.ts';
import { carryOut } from '../connection/operation.ts';
import { check, checkNow } from '../enqueue/request.ts';
import { type OJSError, OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import { type CallOptions, inQueue } from '../job/options.ts';
import { readJob } from '../job/read-job.ts';
import { delayedFrom, type WireBody, wireBody } from '../job/wire.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { type ServerTraits, serverTraits } from '../operations/manifest.ts';
import { createWorkflow } from './calls.ts';
import type { WorkflowDefinition } from './definition.ts';
import { gather } from './gather.ts';
import { type JobPlan, jobsOf, planOf } from './plan.ts';
import { type Shape, shapeOfPlan } from './shape.ts';
import { type Bodies, workflowBody } from './wire.ts';
import type { Workflow } from './workflow.ts';

/** A workflow that a step starts: its id follows from the step, which waits for its end. */
export interface ChildWorkflow {
  readonly id: string;
  readonly parent: object;
}

export interface Started {
  readonly workflow: Workflow;
  readonly shape: Shape;
}

/** Checks a definition, runs each job through the middleware, checks again and sends the workflow. */
export async function startWorkflow(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  definition: WorkflowDefinition,
  queue: string | undefined,
  options: CallOptions,
  child?: ChildWorkflow,
): Promise<Started> {
  const ms = connection.deadlineMs(options);
  const failures: OJSError[] = [];
  using deadline = new Deadline(ms, () => expiry(ms, { operation: 'workflow.create' }, failures), options.signal);
  return await deadline.race(start(connection, middleware, definition, queue, deadline, failures, child));
}

async function start(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  definition: WorkflowDefinition,
  queue: string | undefined,
  deadline: Deadline,
  failures: OJSError[],
  child?: ChildWorkflow,
): Promise<Started> {
  const plan = planOf(definition);
  const jobs = jobsOf(plan);
  const requests = await Promise.all(
    jobs.map((job) => at(job.path, async () => checked(inQueue(job.request, queue), connection.logger))),
  );
  const paths = jobs.map(({ path }) => path);
  const send = async (final: readonly JobRequest[]) => {
    const bodies = new Map<JobPlan, WireBody>();
    await Promise.all(
      jobs.map(async (job, index) =>
        bodies.set(
          job,
          await at(job.path, async () => wireBody(await checked(final[index] ?? job.request, connection.logger))),
        ),
      ),
    );
    const { nestedWorkflows } = await deadline.race(serverTraits(connection));
    deadline.signal.throwIfAborted();
    const id = child?.id ?? uuidv7();
    const timedBodies = timed(bodies, connection.clock.now());
    const operation = createWorkflow(id, workflowBody(plan, id, timedBodies, nestedWorkflows, child?.parent));
    const workflow = await carryOut(operation, ({ call, about, settings }) =>
      connection.callWithin(deadline, call, about, settings, failures),
    );
    const byId = new Map(workflow.steps.map((step) => [step.id, step] as const));
    const sent = jobs.map((job) => {
      const body = bodies.get(job);
      // A step with dependencies has no job yet.
      return readJob({
        ...body,
        id: byId.get(job.id)?.jobId ?? '',
        state: 'pending',
        workflow_id: workflow.id,
        ...body?.options,
      });
    });
    return { answer: { workflow, shape: shapeOfPlan(plan) }, jobs: sent };
  };
  return gather(middleware, requests, paths, send);
}

/**
 * Same for a blocking caller: no middleware, no promise. Returns a function that writes the request body for the
 * server's traits.
 * @throws {OJSValidationError} also for a schema that checks asynchronously.
 */
export function textOfNow(
  definition: WorkflowDefinition,
  queue: string | undefined,
): (traits: ServerTraits, now: number) => { readonly id: string; readonly text: string } {
  const plan = planOf(definition);
  const bodies = new Map<JobPlan, WireBody>();
  for (const job of jobsOf(plan)) {
    const request = inQueue(job.request, queue);
    try {
      checkNow(request);
      bodies.set(job, wireBody(request));
    } catch (error) {
      throw atPath(job.path, error);
    }
  }
  const id = uuidv7();
  return ({ nestedWorkflows }, now) => ({ id, text: workflowBody(plan, id, timed(bodies, now), nestedWorkflows) });
}

/**
 * Delays as times. They count from the start of the workflow; a duration would count from the enqueue of its step.
 * @param now by the server's clock.
 */
function timed(bodies: Bodies, now: number): Bodies {
  return new Map([...bodies].map(([job, body]) => [job, { ...body, options: delayedFrom(body.options, now) }]));
}

/**
 * Checks a request before the middleware, and again after it. The args are sent as given: the worker parses them again.
 */
async function checked(request: JobRequest, logger: Logger): Promise<JobRequest> {
  await check(request, logger);
  return request;
}

async function at<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw atPath(path, error);
  }
}

/** The error, with the job's path in front of its own. */
function atPath(path: string, error: unknown): unknown {
  if (!(error instanceof OJSValidationError) || error.issues.length === 0) return error;
  const issues = error.issues.map((issue) => ({ path: `${path}.${issue.path}`, message: issue.message }));
  return new OJSValidationError(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), { issues });
}
