import { type Clock, type Millis, ProtocolError } from '@ojs-ts/core';
import { type JobOrder, type JobRecord, State } from '@ojs-ts/core/job';
import { deletionAges, type EndedKind, endedKinds, type HistoryPolicy, historyExpired } from '@ojs-ts/core/lifecycle';
import type { JobQuery, Page, Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import type { Retention } from '../options.ts';
import { turn } from '../page-size.ts';

const [kind, key] = ['retention', 'history'];
/** Jobs of one read, and their bytes: of short jobs about 4 ms of work on SQLite. */
const page = 200;
const pageBytes = 1_048_576;
/** The longest pause of a walk that has come to jobs that stay. The answers leave out old events at once. */
const restMs = 3_600_000;

const oldestFirst: JobOrder = { by: 'created', direction: 'asc' };
const queries: Readonly<Record<EndedKind, Pick<JobQuery, 'states' | 'deadLetter'>>> = {
  completed: { states: State.completed },
  cancelled: { states: State.cancelled },
  discarded: { states: State.discarded },
  dead_letter: { states: State.discarded, deadLetter: true },
};

/** A way through the ended jobs of a kind, the first to end first, some time after their end. */
interface Walk {
  readonly name: string;
  readonly query: Pick<JobQuery, 'states' | 'deadLetter'>;
  readonly keepMs: Millis;
}

/** The cursors of the walks by their names, and the settings that they were made under. */
interface Places {
  readonly policy: string;
  readonly cursors: Record<string, string>;
}

/**
 * Deletes the past of ended jobs whose history is kept for less time than they are. With the default settings there are
 * no such jobs, and nothing is read. Each walk reads a job once, because its cursor is in the store.
 */
export class HistoryRetention {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #policy: HistoryPolicy;
  readonly #walks: readonly Walk[];
  /** The times at which the walks continue that had nothing to do. */
  readonly #resting = new Map<Walk, Millis>();

  constructor(storage: Storage, clock: Clock, policy: HistoryPolicy, retention: Retention) {
    this.#storage = storage;
    this.#clock = clock;
    this.#policy = policy;
    this.#walks = walksOf(policy, retention);
  }

  /** One round; with a backlog until `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    const now = this.#clock.now();
    let left = this.#walks.filter((walk) => (this.#resting.get(walk) ?? now) <= now);
    if (left.length === 0) return;
    const documents = new Documents(this.#storage.records);
    const document = await documents.get(kind, key);
    const { policy, cursors } = readPlaces(document?.body, this.#policy);
    const before = JSON.stringify(cursors);
    while (left.length > 0) {
      const more: Walk[] = [];
      // A page each, so that no backlog holds up the others.
      for (const walk of left) {
        if (isOver()) break;
        if (await this.#step(walk, cursors)) more.push(walk);
        await turn();
      }
      left = more;
    }
    if (JSON.stringify(cursors) === before) return;
    // If another node was faster, the jobs behind its cursors are read again, which changes nothing.
    await documents.put(kind, key, JSON.stringify({ policy, cursors }), document?.version ?? null, now);
  }

  /** Reports whether there may be more to do at once. */
  async #step(walk: Walk, cursors: Record<string, string>): Promise<boolean> {
    const { name, query, keepMs } = walk;
    const found = await this.#read(query, cursors[name]);
    if (found === null) {
      delete cursors[name];
      return true;
    }
    const { items, next } = found;
    const now = this.#clock.now();
    const expired = items.flatMap((job) => historyExpired(job, this.#policy, now) ?? []);
    if (expired.length > 0) await this.#storage.jobs.transition(expired, now);
    const newest = next === null ? null : (items.at(-1)?.finishedAt ?? null);
    if (next !== null && newest !== null && newest < now - keepMs) {
      cursors[name] = next;
      return true;
    }
    // A whole page of jobs is due at once as soon as its last one is.
    this.#resting.set(walk, Math.min(now + restMs, newest === null ? Number.POSITIVE_INFINITY : newest + keepMs + 1));
    return false;
  }

  /** Null where the cursor is of another storage, whose backup was restored here. */
  async #read(query: Walk['query'], after: string | undefined): Promise<Page<JobRecord> | null> {
    const { jobs, traits } = this.#storage;
    const list = { ...query, order: oldestFirst, limit: Math.min(page, traits.maxBatch), maxBytes: pageBytes };
    try {
      return await jobs.list(after === undefined ? list : { ...list, after });
    } catch (error) {
      if (after === undefined || !(error instanceof ProtocolError)) throw error;
      return null;
    }
  }
}

function walksOf(policy: HistoryPolicy, retention: Retention): readonly Walk[] {
  const jobsMs: Readonly<Record<EndedKind, Millis>> = {
    completed: retention.completedMs,
    cancelled: retention.cancelledMs,
    discarded: retention.discardedMs,
    dead_letter: retention.deadLetterMs,
  };
  return endedKinds.flatMap((kind) =>
    deletionAges(policy, kind)
      .filter((keepMs) => keepMs < jobsMs[kind])
      .map((keepMs) => ({ name: `${kind} ${keepMs}`, query: queries[kind], keepMs })),
  );
}

/** The stored cursors; none if they were made under other settings. */
function readPlaces(body: string | undefined, { keepMs, rules }: HistoryPolicy): Places {
  const policy = JSON.stringify([keepMs, rules]);
  const stored: Places | null = body === undefined ? null : JSON.parse(body);
  return stored?.policy === policy ? stored : { policy, cursors: {} };
}
