import type { NamesOf } from '@ojs-ts/core';
import type { Answers, Step } from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../../job/options.ts';
import { compact } from '../../json.ts';
import { integer } from '../../options/values.ts';
import { type Camel, camel } from '../answer.ts';
import { read } from '../row.ts';

/** Selects the steps of a job. */
export interface JobStepsOptions extends CallOptions {
  /** Only the steps with these names, at most 100. Default: all. */
  names?: readonly string[] | undefined;
  /** {@link JobSteps.next} of the page before. */
  after?: number | undefined;
  /** Which values to return; `small` are those up to 1 KiB of JSON. Default: `small`. */
  values?: 'none' | 'small' | 'all' | undefined;
  /** The most steps of one page. Default and maximum: 500. A page also ends at 1 MiB. */
  limit?: number | undefined;
}

const names: NamesOf<JobStepsOptions> = { ...callNames, names: true, after: true, values: true, limit: true };

/** A step that the handler of a job has run or waits in. `bytes` is the size of a value that is not here. */
export interface JobStep extends Camel<Step> {}

/** A page of the steps of a job. */
export interface JobSteps {
  /** In the order in which they were recorded. */
  readonly steps: readonly JobStep[];
  /** `after` of the next page; absent at the end. */
  readonly next?: number;
}

export const stepRows = {
  /**
   * Returns the durable steps of a job with their values, which need the right `payload`. The server of this project
   * has this operation, others answer `not_found`. @throws {JobNotFoundError}
   */
  steps: {
    names,
    make: (jobId: string, { names: only, after, values, limit }: JobStepsOptions) => {
      const query = compact({
        names: only === undefined ? undefined : JSON.stringify(only),
        after: integer(after, 'after', 0),
        values,
        limit: integer(limit, 'limit', 1),
      });
      return read({ operation: 'job.steps', params: { id: jobId }, query }, (body): JobSteps => {
        const { steps, next } = camel<Answers['job.steps']>(body, 'steps');
        return { steps, ...compact({ next }) };
      });
    },
  },
};
