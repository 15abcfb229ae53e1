import type { Logger } from '../connection/logger.ts';
import { isOjsError } from '../errors.ts';

type Way = 'exchange' | 'heartbeat';
const events: Readonly<Record<Way, string>> = {
  exchange: 'server unreachable: trying again',
  heartbeat: 'heartbeat failed',
};

/** What a worker says of a server that does not answer: the first failure is a warning, those that follow are not, until it answers again. */
export class Reach {
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

  /** For no answer at all: one that refuses says why itself. A heartbeat's thread tells of its errors by their text. */
  #advice(error: unknown): string {
    const isAnswer = isOjsError(error) ? 'statusCode' in error : !/^OJS(Connection|Timeout)Error/.test(String(error));
    if (this.#server === null || isAnswer) return '';
    return `; is a server running at ${this.#server}? Start one with \`npx ojs serve\`, or name another in OJS_BACKEND_URL`;
  }
}
