import { OJSError } from '../errors.ts';
import type { Job, JobErrorEntry } from '../job/job.ts';
import { textOf } from '../json.ts';
import type { Workflow, WorkflowStep } from './workflow.ts';

/** `wait()` rejects with this error if the workflow has failed or was cancelled. */
export class WorkflowFailedError extends OJSError {
  static override readonly name: string = 'WorkflowFailedError';
  readonly workflow: Workflow;
  /** The step that failed; of several, a failed callback first. Absent if the whole workflow was cancelled. */
  declare readonly step?: WorkflowStep;
  /** The job of that step, if the server still has it. */
  declare readonly job?: Job;

  constructor(workflow: Workflow, step?: WorkflowStep, job?: Job) {
    super(messageOf(workflow, step, job), {
      ...(job && { jobId: job.id, queue: job.queue, attempt: job.attempt }),
      operation: 'workflow.get',
    });
    this.workflow = workflow;
    if (step !== undefined) this.step = step;
    if (job !== undefined) this.job = job;
  }

  /** The failed attempts of that job, oldest first. */
  get errors(): readonly JobErrorEntry[] {
    return this.job?.errors ?? [];
  }
}

/**
 * The step that caused a failure.
 * @param under only steps inside this one.
 */
export function failedStep({ steps }: Workflow, under = ''): WorkflowStep | undefined {
  const inside = steps.filter(
    ({ id, jobId }) => jobId !== undefined && (under === '' || id === under || id.startsWith(`${under}.`)),
  );
  const failed = inside.filter(({ state }) => state === 'failed');
  return (
    failed.find(({ id }) => /(^|\.)on_[a-z]+$/.test(id)) ??
    failed[0] ??
    inside.find(({ state }) => state === 'cancelled')
  );
}

function messageOf({ name, id, state }: Workflow, step: WorkflowStep | undefined, job: Job | undefined): string {
  const what = `The workflow ${name === '' ? id : JSON.stringify(name)}`;
  if (step === undefined) return `${what} ${state === 'cancelled' ? 'was cancelled' : 'failed'}.`;
  const last = job?.error ?? job?.errors.at(-1);
  const reason = last === undefined ? textOf(step.error?.message) : `${last.type}: ${last.message}`;
  return (
    `${what} failed at step ${step.id} (${step.type}), ` +
    `which was ${job?.state ?? step.state}${reason === undefined ? '.' : `: ${reason}`}`
  );
}
