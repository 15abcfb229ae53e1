import type { Connection } from '../connection/connection.ts';
import type { Handlers } from './handlers.ts';
import type { WorkerSettings } from './options.ts';

/** The URL without credentials; null for a transport that was given. */
export function serverOf(http: Connection['http']): string | null {
  return http === null ? null : `${http.base.origin}${http.base.pathname.replace(/\/+$/, '')}`;
}

/** What a worker says when it starts: where it works, and which of its handlers will never be asked. */
export function tellStart(
  { logger, http }: Connection,
  workerId: string,
  { queues, concurrency }: WorkerSettings,
  handlers: Handlers,
): void {
  logger.info('worker started', { worker_id: workerId, queues, concurrency, server: serverOf(http) ?? 'transport' });
  if (handlers.types.length === 0)
    logger.warn('worker has no handlers: it gives every job back; call register() before start()', { queues });
  for (const [jobType, queue] of handlers.queues) {
    if (queues.includes(queue)) continue;
    const message = `handler not reached: ${jobType} is enqueued to '${queue}', which this worker does not fetch; add '${queue}' to its queues`;
    logger.warn(message, { job_type: jobType, queue, queues });
  }
}
