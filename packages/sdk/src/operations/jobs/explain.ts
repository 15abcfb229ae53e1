import type { NamesOf } from '@ojs-ts/core';
import type { ReasonCode, WorkerStatus } from '@ojs-ts/core/explain';
import { isState } from '@ojs-ts/core/job';
import type { Answers, Reason } from '@ojs-ts/core/schemas';
import { OJSAnswerError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { type Camel, camel } from '../answer.ts';
import { read } from '../row.ts';

/** Selects the job or queue to explain. */
export interface ExplainOptions extends CallOptions {
  /** The id of a step. The first argument is then the id of its workflow: a step that waits has no job yet. */
  step?: string | undefined;
}

const names: NamesOf<ExplainOptions> = { ...callNames, step: true };

type Answer = Answers['job.explain'];
/**
 * Why a job does not run, or what has become of it. Only the explanation of a step has `workflowId` and `step`; a step
 * without a job has no `jobId`.
 */
export interface Explanation extends Omit<Camel<Answer>, 'reasons'> {
  /** The state of the job, or of a step without a job. */
  readonly state: JobState | 'waiting' | 'failed';
  readonly reasons: readonly ExplainReason[];
}

/**
 * One reason why a job does not run, with the jobs, workers, limits, queues and steps that matter. `before` counts the
 * available jobs of the queue that start first. `partial` means that there are more than the lists have.
 */
export interface ExplainReason extends Omit<Camel<Reason>, 'workers'> {
  readonly code: ReasonCode | (string & {});
  readonly workers?: readonly ExplainWorker[];
}

/** A worker in a reason. It was last seen with a heartbeat or a recorded fetch. */
export interface ExplainWorker extends Omit<Camel<NonNullable<Reason['workers']>[number]>, 'status'> {
  readonly status: WorkerStatus | (string & {});
}

export const explainRows = {
  /**
   * Why a job does not run: a paused queue, a full limit, no worker, and what helps; for an ended job why it has ended.
   * The server of this project has this operation, others answer `not_found`. @throws {JobNotFoundError}
   */
  explain: {
    names,
    make: (jobId: string, { step }: ExplainOptions) =>
      read(
        { operation: 'job.explain', params: { id: jobId }, ...(step !== undefined && { query: { step } }) },
        (body): Explanation => {
          const { state, ...rest } = camel<Answer>(body, 'verdict', 'reasons');
          if (!isExplained(state)) throw new OJSAnswerError('The answer holds no explanation.');
          return { ...rest, state };
        },
      ),
  },
};

function isExplained(state: unknown): state is Explanation['state'] {
  return isState(state) || state === 'waiting' || state === 'failed';
}
