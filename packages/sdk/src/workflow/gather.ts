import { OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import { compose } from '../middleware/compose.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';

/** The answer to one request for all jobs, and for each job's middleware the job as enqueued. */
export interface Sent<T> {
  readonly answer: T;
  readonly jobs: readonly Job[];
}

/**
 * Sends requests together, each through the middleware by itself. `send` runs once all requests have passed the
 * middleware; each `next()` resolves after it. If a middleware drops a request or throws, nothing is sent, because a
 * workflow cannot lose a step.
 * @param paths the paths of the requests, for errors.
 * @throws {OJSValidationError} for a dropped request or a changed id; what a middleware or `send` throws.
 */
export async function gather<T>(
  middleware: readonly EnqueueMiddleware[],
  requests: readonly JobRequest[],
  paths: readonly string[],
  send: (requests: readonly JobRequest[]) => Promise<Sent<T>>,
): Promise<T> {
  if (middleware.length === 0) return (await send(requests)).answer;
  const sent = handled(Promise.withResolvers<Sent<T>>());
  const passes = requests.map((request, index) => {
    const arrived = handled(Promise.withResolvers<JobRequest>());
    const run = compose<JobRequest, Job | null>(middleware, async (final) => {
      arrived.resolve(final);
      return (await sent.promise).jobs[index] ?? null;
    })({ ...request });
    const path = paths[index] ?? '';
    const dropped = () =>
      arrived.reject(
        OJSValidationError.of(path, 'a middleware dropped this job, and a workflow cannot go on without it'),
      );
    run.then(dropped, arrived.reject);
    return { run, arrived: arrived.promise };
  });
  try {
    const finals = await Promise.all(passes.map(({ arrived }) => arrived));
    finals.forEach(({ id }, index) => {
      if (id !== requests[index]?.id)
        throw OJSValidationError.of(`${paths[index]}.id`, 'a middleware must not change the id of a job');
    });
    sent.resolve(await send(finals));
  } catch (error) {
    sent.reject(error);
    await Promise.allSettled(passes.map(({ run }) => run));
    throw error;
  }
  await Promise.all(passes.map(({ run }) => run));
  return (await sent.promise).answer;
}

/** Marks the rejection as handled: another promise reports the failure. */
function handled<T>(resolvers: PromiseWithResolvers<T>): PromiseWithResolvers<T> {
  resolvers.promise.catch(() => {});
  return resolvers;
}
