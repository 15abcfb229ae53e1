import { OJSValidationError } from '../errors.ts';
import type { JobDef, ResultOf } from '../job/definition.ts';
import type { JobContext } from '../worker/context.ts';
import type { WorkflowDefinition } from './definition.ts';

/** What stands before a job: a job, or a workflow. */
type One = JobDef | WorkflowDefinition;
/** An array stands for a group. Not recursive: a compiler gives up on that where the call is an argument itself. */
export type Parent = One | readonly One[];

type OneResult<P> = P extends WorkflowDefinition<infer X> ? X : ResultOf<P>;
type ParentResult<P> = P extends readonly unknown[] ? { -readonly [K in keyof P]: OneResult<P[K]> } : OneResult<P>;

/** The results of the jobs that these definitions stand for, in their order. */
export type ParentResults<L extends readonly Parent[]> = { -readonly [K in keyof L]: ParentResult<L[K]> };

/**
 * `ctx.parentResults` with the types of the steps before this job: `const [user, mail] = parentResults(ctx, userCreate, emailSend)`. The types are the word
 * of whoever names the steps; only their number is checked. A callback of a batch gets null for a job that failed.
 * @throws {OJSValidationError} where the job has not as many parents: the workflow is another one than the handler was written for.
 */
export function parentResults<const L extends readonly Parent[]>(
  ctx: Pick<JobContext, 'parentResults' | 'jobType'>,
  ...parents: L
): ParentResults<L>;
export function parentResults(
  { parentResults: results, jobType }: Pick<JobContext, 'parentResults' | 'jobType'>,
  ...parents: unknown[]
) {
  if (results.length !== parents.length) {
    throw OJSValidationError.of(
      'parentResults',
      `${jobType} expects ${parents.length} steps before it, and has ${results.length}`,
    );
  }
  return results;
}
