import type { Connection } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import { isOjsError } from '../errors.ts';
import type { Handlers } from './execution/handlers.ts';
import type { WorkerSettings } from './options.ts';

/** The URL without credentials; null for a transport that was given. */
export function serverOf(http: Connection['http']): string | null {
  return http === null ? null : `${http.base.origin}${http.base.pathname.replace(/\/+$/, '')}`;
}

/** Logs the start of a worker: its server and queues, and which of its handlers will never be asked. */
export function logStart(
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
    const message =
      `handler not reached: ${jobType} is enqueued to '${queue}', which this worker does not fetch; ` +
      `add '${queue}' to its queues`;
    logger.warn(message, { job_type: jobType, queue, queues });
  }
}

type Way = 'exchange' | 'heartbeat';
const events: Readonly<Record<Way, string>> = {
  exchange: 'server unreachable: trying again',
  heartbeat: 'heartbeat failed',
};

/** Logs that a server does not answer: the first failure is a warning, later ones are not, until it answers again. */
export class ConnectionLog {
  readonly #logger: Logger;
  readonly #server: string | null;
  readonly #failing = new Set<Way>();

  /** @param server its URL; null for a transport that was given. */
  constructor(logger: Logger, server: string | null) {
    this.#logger = logger;
    this.#server = server;
  }

  failed(way: Way, error: unknown, fields: object = {}): void {
    const isFirst = this.#failing.size === 0;
    this.#failing.add(way);
    const about = { ...fields, error: String(error) };
    if (isFirst)
      this.#logger.warn(`${events[way]}${this.#advice(error)}`, {
        ...about,
        ...(this.#server !== null && { server: this.#server }),
      });
    else this.#logger.debug(events[way], about);
  }

  answered(way: Way): void {
    if (this.#failing.delete(way) && this.#failing.size === 0)
      this.#logger.info('server reachable again', this.#server === null ? {} : { server: this.#server });
  }

  /** For no answer at all: one that refuses says why itself. A heartbeat's thread passes its errors as text. */
  #advice(error: unknown): string {
    const isAnswer = isOjsError(error) ? 'statusCode' in error : !/^OJS(Connection|Timeout)Error/.test(String(error));
    if (this.#server === null || isAnswer) return '';
    return (
      `; is a server running at ${this.#server}? ` +
      'Start one with `npx ojs serve`, or name another in OJS_BACKEND_URL'
    );
  }
}
