import { OJSValidationError } from '../errors.ts';
import type { JobDef, ResultOf } from '../job/definition.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { WorkflowDefinition } from './definition.ts';

/** A job or a workflow that can run before a job. */
type One = JobDef | WorkflowDefinition;
/**
 * An array is a group. The type is not recursive: TypeScript fails to infer a recursive one if the call is itself an
 * argument.
 */
export type Parent = One | readonly One[];

type OneResult<P> = P extends WorkflowDefinition<infer X> ? X : ResultOf<P>;
type ParentResult<P> = P extends readonly unknown[] ? { -readonly [K in keyof P]: OneResult<P[K]> } : OneResult<P>;

/** The result types of these definitions, in their order. */
export type ParentResults<L extends readonly Parent[]> = { -readonly [K in keyof L]: ParentResult<L[K]> };

/**
 * Gives `ctx.parentResults` the types of the steps before this job: `const [user, mail] = parentResults(ctx,
 * userCreate, emailSend)`. TypeScript trusts these types; at run time only their number is checked. A callback of a
 * batch gets null for a job that failed.
 * @throws {OJSValidationError} if the job has another number of parents.
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
