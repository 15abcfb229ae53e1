import type { Job, JsonArray } from '../job.ts';

export function withArgs<A extends JsonArray, R>(job: Job<A, R>, args: JsonArray | undefined): Job<A, R>;
export function withArgs(job: Job, args: JsonArray | undefined): Job {
  return args === undefined ? job : { ...job, args };
}
