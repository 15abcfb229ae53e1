import type { Answers } from '@ojs-ts/core/schemas';
import { type Camel, camel } from '../answer.ts';
import { read, remove } from '../row.ts';

type Saved = Answers['job.checkpoint']['checkpoint'];
/** The state that an execution saved for the next one. The first save has the sequence 1, and every save adds 1. */
export interface Checkpoint extends Camel<Saved> {}

export const checkpointRows = {
  /**
   * The checkpoint of a job: the state that its last execution saved. @throws {JobNotFoundError} also for a job without
   * a checkpoint.
   */
  getCheckpoint: (jobId: string) =>
    read({ operation: 'job.checkpoint', params: { id: jobId } }, (body): Checkpoint => {
      const { state, sequence, createdAt } = camel<Saved>(body.checkpoint ?? body);
      return { jobId, state, sequence, createdAt };
    }),
  /** Deletes the checkpoint of a job. Its next execution starts without one. */
  deleteCheckpoint: (jobId: string) => remove({ operation: 'job.deleteCheckpoint', params: { id: jobId } }, { jobId }),
};
