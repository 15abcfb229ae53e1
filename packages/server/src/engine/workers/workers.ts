import { type Clock, isObject, type Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, type Json, State } from '@ojs-ts/core/job';
import { deadAt } from '@ojs-ts/core/lifecycle';
import type { Directive, Held, Page, Storage, StoredRecord, WorkerRecord } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';

/** A worker by its last heartbeat, or by its last fetch if it sent no heartbeat. */
export interface KnownWorker {
  readonly worker: string;
  readonly state: Directive;
  /** The last order of an operator to it. */
  readonly directive: Directive | null;
  /** Null without a heartbeat: such a worker is never dead. */
  readonly beatAt: Millis | null;
  /** Null if it has sent heartbeats. */
  readonly fetchedAt: Millis | null;
  /** Ids of the jobs in its last heartbeat; null if it did not list them. */
  readonly holds: readonly JobId[] | null;
  /** JSON text: the worker's own description. */
  readonly info: Json;
}

/**
 * A fetch is recorded again after this long, in milliseconds. Longer than the minute between two looks at a worker with
 * heartbeats, so fetches of those are never recorded.
 */
export const noteEveryMs = 90_000;
/**
 * A worker without heartbeats, fetches and jobs for this long, in milliseconds, is forgotten. Serverless platforms give
 * each invocation its own worker id.
 */
const keepMs = 3_600_000;
export const forgetWorkersMs = 600_000;
const page = 200;
/** Jobs of one read: each may have a megabyte. */
const readPage = 16;
const kind = 'worker.fetching';

/**
 * Every worker that the store knows. Heartbeats are in the registry, which the liveness rules read. Fetches are in
 * documents, which those rules never read: so a worker that never sent a heartbeat is listed, and is not dead.
 */
export class Workers {
  readonly #storage: Storage;
  readonly #documents: Documents;
  readonly #clock: Clock;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /** Records a fetch of a worker without heartbeats; true for its first. */
  async noteFetch(worker: string, queues: readonly string[], concurrency: number): Promise<boolean> {
    const documents = this.#documents;
    const now = this.#clock.now();
    const body: Json = JSON.stringify({ queues, concurrency });
    if ((await documents.put(kind, worker, body, null, now)) !== null) return true;
    await documents.put(kind, worker, body, 'any', now);
    return false;
  }

  async find(worker: string): Promise<KnownWorker | null> {
    const record = (await this.#storage.registry.workers()).find((one) => one.worker === worker);
    if (record !== undefined) return byHeartbeat(record);
    const document = await this.#documents.get(kind, worker);
    return document === null ? null : byFetch(document);
  }

  /** By name. */
  async list(): Promise<readonly KnownWorker[]> {
    const [records, documents] = await Promise.all([this.#storage.registry.workers(), this.#documents.list(kind)]);
    const byWorker = new Map([...documents.map(byFetch), ...records.map(byHeartbeat)].map((one) => [one.worker, one]));
    return [...byWorker.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }

  /** False for an unknown worker. */
  async remove(worker: string): Promise<boolean> {
    const [beats, fetches] = await Promise.all([
      this.#storage.registry.forgetWorker(worker),
      this.#documents.remove(kind, worker),
    ]);
    return beats || fetches;
  }

  /** How many jobs each worker holds. */
  async activeJobs(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for await (const held of this.#held())
      for (const { worker } of held) counts.set(worker, (counts.get(worker) ?? 0) + 1);
    return counts;
  }

  /** The jobs that the worker holds, in pages. */
  async *heldBy(worker: string): AsyncGenerator<readonly JobRecord[]> {
    for await (const held of this.#held()) {
      const own = held.filter((one) => one.worker === worker);
      for (let at = 0; at < own.length; at += readPage) {
        const part = own.slice(at, at + readPage);
        const jobs = await this.#storage.jobs.get(part.map(({ id }) => id));
        yield jobs.flatMap((job, index) =>
          job !== null && job.state === State.active && job.claim === part[index]?.claim ? [job] : [],
        );
      }
    }
  }

  async forgetIdle(): Promise<void> {
    const before = this.#clock.now() - keepMs;
    const idle = (await this.#documents.list(kind)).filter(({ updatedAt }) => updatedAt <= before);
    if (idle.length === 0) return;
    const active = await this.activeJobs();
    for (const { key } of idle) if (!active.has(key)) await this.#documents.remove(kind, key);
  }

  async *#held(): AsyncGenerator<readonly Held[]> {
    let after: string | null = null;
    do {
      const { items, next }: Page<Held> = await this.#storage.upkeep.held(after, page);
      yield items;
      after = next;
    } while (after !== null);
  }
}

/**
 * `unknown` is a worker without heartbeats that has fetched nothing for a while: busy, or gone.
 * @param since when this server began to listen: see {@link deadAt}.
 */
export function healthOf(
  { beatAt, fetchedAt }: KnownWorker,
  now: Millis,
  since: Millis,
  deadAfterMs: number,
): 'ok' | 'unhealthy' | 'unknown' {
  if (beatAt !== null) return now < deadAt(beatAt, since, deadAfterMs) ? 'ok' : 'unhealthy';
  return now - (fetchedAt ?? 0) < noteEveryMs + deadAfterMs ? 'ok' : 'unknown';
}

/** The members of the worker's own description. */
export function descriptionOf({ info }: Pick<KnownWorker, 'info'>): Readonly<Record<string, unknown>> {
  const description: unknown = JSON.parse(info);
  return isObject(description) ? description : {};
}

function byHeartbeat({ worker, state, directive, seenAt, holds, info }: WorkerRecord): KnownWorker {
  return { worker, state, directive, beatAt: seenAt, fetchedAt: null, holds, info };
}

function byFetch({ key, updatedAt, body }: StoredRecord): KnownWorker {
  return {
    worker: key,
    state: 'running',
    directive: null,
    beatAt: null,
    fetchedAt: updatedAt,
    holds: null,
    info: body,
  };
}
