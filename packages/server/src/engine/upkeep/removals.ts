import type { Clock, Millis } from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import type { EngineLog, Retention } from '../options.ts';

/** Kinds of finished jobs with separate counts, in the order of their retention rules. */
export const keptKinds = ['completed', 'cancelled', 'discarded', 'dead_letter'] as const;
export type KeptKind = (typeof keptKinds)[number];
export type RemovalCounts = Readonly<Record<KeptKind, number>>;

const [kind, key] = ['retention', 'over_cap'];
/** A busy store removes jobs every 5 s; one log line a minute is enough. */
const logEveryMs = 60_000;
const nothing: RemovalCounts = { completed: 0, cancelled: 0, discarded: 0, dead_letter: 0 };

/** Counts jobs that were removed early because of the cap: in the store for all nodes, and in the log. */
export class Removals {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #retention: Retention;
  readonly #untold = new Map<KeptKind, number>();
  readonly #loggedAt = new Map<KeptKind, Millis>();

  constructor(storage: Storage, clock: Clock, log: EngineLog, retention: Retention) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
    this.#log = log;
    this.#retention = retention;
  }

  /** @param counts in the order of {@link keptKinds}. */
  async add(counts: readonly number[]): Promise<void> {
    for (const [index, name] of keptKinds.entries()) this.#report(name, counts[index] ?? 0);
    if (!counts.some((count) => count > 0)) return;
    for (;;) {
      const document = await this.#documents.get(kind, key);
      const before = document === null ? nothing : readCounts(document.body);
      const after = Object.fromEntries(keptKinds.map((name, index) => [name, before[name] + (counts[index] ?? 0)]));
      if (await this.#documents.put(kind, key, JSON.stringify(after), document?.version ?? null, this.#clock.now()))
        return;
    }
  }

  /**
   * Since the creation of the store. A node that crashes between removing and counting leaves up to one pass uncounted.
   */
  async counts(): Promise<RemovalCounts> {
    const document = await this.#documents.get(kind, key);
    return document === null ? nothing : readCounts(document.body);
  }

  #report(name: KeptKind, count: number): void {
    const removed = (this.#untold.get(name) ?? 0) + count;
    const now = this.#clock.now();
    if (removed === 0 || now - (this.#loggedAt.get(name) ?? Number.NEGATIVE_INFINITY) < logEveryMs) {
      this.#untold.set(name, removed);
      return;
    }
    this.#untold.set(name, 0);
    this.#loggedAt.set(name, now);
    const isLetter = name === 'dead_letter';
    const fields = {
      kind: name,
      removed,
      cap: isLetter ? this.#retention.keepDeadLetters : this.#retention.keep,
      variable: isLetter ? 'OJS_RETAIN_DEAD_LETTER_COUNT' : 'OJS_RETAIN_COUNT',
    };
    if (isLetter) this.#log.warn(fields, 'jobs removed over the cap');
    else this.#log.info(fields, 'jobs removed over the cap');
  }
}

function readCounts(body: string): RemovalCounts {
  return { ...nothing, ...JSON.parse(body) };
}
