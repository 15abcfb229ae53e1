import { type Clock, formatTimestamp, type Millis } from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import type { EngineLog } from '../options.ts';

const [kind, key] = ['retention', 'backlog'];
/** A backlog of less than this is a burst. In milliseconds. */
const burstMs = 60_000;

/** The records that retention should have deleted, and has not. */
export interface Backlog {
  /** No pass has caught up since. */
  readonly since: Millis;
  /** The kinds of things that are behind, such as `completed` or `events`. */
  readonly kinds: readonly string[];
  /** Finished jobs beyond the number that is kept. */
  readonly jobs: number;
  /** How long the oldest finished job should have been deleted; 0 where only the number is exceeded. */
  readonly lateMs: Millis;
}

/** Says how far retention is behind: in the store for every server, and in the log once a minute. */
export class RetentionBacklog {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  #since: Millis | null = null;
  #loggedAt = Number.NEGATIVE_INFINITY;
  /** True if the store names a backlog; at first it is unknown, because another server may have written it. */
  #isNamed = true;

  constructor(storage: Storage, clock: Clock, log: EngineLog) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
    this.#log = log;
  }

  /** Null where no backlog has lasted for a minute. */
  async read(): Promise<Backlog | null> {
    const document = await this.#documents.get(kind, key);
    return document === null ? null : JSON.parse(document.body);
  }

  /** A pass has ended with this backlog. Only the server that does the retention calls it. */
  async note(found: Omit<Backlog, 'since'> | null): Promise<void> {
    if (found === null) {
      this.#since = null;
      if (this.#isNamed) await this.#documents.remove(kind, key);
      this.#isNamed = false;
      return;
    }
    const now = this.#clock.now();
    this.#since ??= now;
    if (now - this.#since < burstMs || now - this.#loggedAt < burstMs) return;
    this.#loggedAt = now;
    this.#isNamed = true;
    const backlog: Backlog = { since: this.#since, ...found };
    this.#log.warn({ ...backlog, since: formatTimestamp(backlog.since) }, 'retention is behind');
    await this.#documents.put(kind, key, JSON.stringify(backlog), 'any', now);
  }
}
