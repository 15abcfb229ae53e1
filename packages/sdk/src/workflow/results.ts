import { JobNotFoundError, OJSError } from '../errors.ts';
import { jobFailure } from '../events/job-end.ts';
import type { Job } from '../job/job.ts';
import { failedStep, WorkflowFailedError } from './failure.ts';
import type { Shape } from './shape.ts';
import type { Workflow, WorkflowStep } from './workflow.ts';

export type ReadJob = (jobId: string) => Promise<Job>;

/**
 * A server may omit results from a large view; ours does from 4 MiB on. Above this many characters, an absent result is
 * read from its job.
 */
const largeView = 2_097_152;

/**
 * The result of an ended workflow: of a chain the last result, of a group all, of a batch all with an Error for each
 * that failed, of a dag all by name.
 * @throws {WorkflowFailedError} if the workflow failed or was cancelled.
 */
export async function resultOf(workflow: Workflow, shape: Shape, readJob: ReadJob): Promise<unknown> {
  if (workflow.state !== 'completed') throw await failureOf(workflow, '', readJob);
  const byId = new Map(workflow.steps.map((step) => [step.id, step] as const));
  const size = workflow.steps.reduce(
    (sum, { result }) => sum + (result === undefined ? 0 : JSON.stringify(result).length),
    0,
  );
  const read = async (step: WorkflowStep) => {
    if (step.result !== undefined || step.jobId === undefined || size < largeView) return step.result;
    return (await readIfKept(step.jobId, readJob))?.result;
  };
  const of = async (one: Shape): Promise<unknown> => {
    if (one.kind === 'job') {
      const step = byId.get(one.id);
      if (step === undefined) {
        const ids = [...byId.keys()].slice(0, 10).map((id) => JSON.stringify(id));
        const known = `${ids.join(', ')}${byId.size > 10 ? ', …' : ''}`;
        throw new OJSError(
          `The workflow ${workflow.id} has no step ${JSON.stringify(one.id)}; its steps are ${known}.`,
        );
      }
      return read(step);
    }
    const { items } = one;
    if (one.kind === 'chain') {
      const last = items.at(-1);
      return last === undefined ? undefined : of(last.shape);
    }
    if (one.kind === 'dag')
      return Object.fromEntries(await Promise.all(items.map(async ({ key, shape: inner }) => [key, await of(inner)])));
    if (one.kind === 'group') return Promise.all(items.map(({ shape: inner }) => of(inner)));
    return Promise.all(
      items.map(({ shape: inner }) => {
        const step = byId.get(inner.id);
        // A server that takes only flat steps has no step for a nested workflow; the states of its jobs decide.
        const isDone = step === undefined ? failedStep(workflow, inner.id) === undefined : step.state === 'completed';
        return isDone ? of(inner) : errorOf(workflow, step, inner, readJob);
      }),
    );
  };
  return of(shape);
}

async function errorOf(
  workflow: Workflow,
  step: WorkflowStep | undefined,
  shape: Shape,
  readJob: ReadJob,
): Promise<Error> {
  if (shape.kind !== 'job') return failureOf(workflow, shape.id, readJob);
  const job = step?.jobId === undefined ? undefined : await readIfKept(step.jobId, readJob);
  if (job === undefined || job.state === 'completed') return new WorkflowFailedError(workflow, step);
  return jobFailure(job);
}

async function failureOf(workflow: Workflow, under: string, readJob: ReadJob): Promise<WorkflowFailedError> {
  const step = workflow.state === 'cancelled' ? undefined : failedStep(workflow, under);
  const job = step?.jobId === undefined ? undefined : await readIfKept(step.jobId, readJob);
  return new WorkflowFailedError(workflow, step, job);
}

/** Undefined if the server no longer has the job. */
async function readIfKept(jobId: string, readJob: ReadJob): Promise<Job | undefined> {
  try {
    return await readJob(jobId);
  } catch (error) {
    if (error instanceof JobNotFoundError) return undefined;
    throw error;
  }
}
