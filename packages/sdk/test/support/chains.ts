import type { Embedded } from '@ojs-ts/server';
import { Client, type EnqueueMiddleware, type JobHandle, type JobRequest } from '../../src/index.ts';

/** Sends through the middleware, the first one outermost, by a client of its own on the same engine. */
export function sender(
  embedded: Embedded,
  ...middleware: EnqueueMiddleware[]
): (request: JobRequest) => Promise<JobHandle> {
  const client = new Client(embedded);
  for (const one of middleware) client.middlewares.add(one);
  return ({ type, args, ...options }) => client.enqueue(type, args, options);
}
