import { type Clock, type EventKind, type Json, type Millis, otherEventEntry } from '@ojs-ts/core';
import type { Storage, WorkerBeat, WorkerRecord } from '../../storage/storage.ts';
import { coalesce } from '../coalesce.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { EngineLog } from '../options.ts';
import { noteEveryMs, type Workers } from './workers.ts';

interface Seen {
  readonly state: WorkerBeat['state'];
  /** When its liveness was last told, by `worker.started` or `worker.heartbeat`. */
  readonly told: Millis;
  /** When a fetch of it was last looked at. */
  readonly fetched: Millis;
  readonly stopped: boolean;
}

/**
 * Time between two `worker.heartbeat` events of one worker, in milliseconds: with a beat every 5 s a twelfth of them.
 */
const tellEveryMs = 60_000;
/** Workers that this node remembers; whoever is forgotten is looked up in the store again. */
const maxSeen = 10_000;

/**
 * Sees workers by their fetches and heartbeats. It writes their events (ojs-events §3.4): started at the first of them,
 * quiet when they say so, a heartbeat a minute, stopped with their last heartbeat, their deregistration or their death;
 * and it notes who fetches without heartbeats. What this node does not know it looks up in the store, so that a worker
 * does not start anew at every node. What cannot be written is logged; it never fails the worker's call.
 */
export class Presence {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #on: boolean;
  readonly #workers: Workers;
  readonly #seen = new Map<string, Seen>();
  /** One call of a worker at a time, or its first fetch and its first heartbeat would both start it. */
  readonly #mutex = new KeyedMutex();
  readonly #look: (worker: string) => Promise<WorkerRecord | null>;

  constructor(parts: {
    readonly storage: Storage;
    readonly clock: Clock;
    readonly log: EngineLog;
    readonly on: boolean;
    readonly workers: Workers;
  }) {
    this.#storage = parts.storage;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#on = parts.on;
    this.#workers = parts.workers;
    const lookAll = async (workers: readonly string[]) => {
      const records = new Map((await this.#storage.registry.workers()).map((record) => [record.worker, record]));
      return workers.map((worker) => records.get(worker) ?? null);
    };
    this.#look = coalesce(lookAll, { parallel: 1, max: maxSeen, split: false });
  }

  /** The store was emptied: nobody is known any more. */
  forget(): void {
    this.#seen.clear();
  }

  /** To be called before a fetch; null where there is nothing to wait for. */
  fetching(worker: string | null, queues: readonly string[], count: number): Promise<void> | null {
    if (worker === null) return null;
    const isFresh = () => {
      const seen = this.#seen.get(worker);
      return seen?.stopped === false && this.#clock.now() - Math.max(seen.told, seen.fetched) < noteEveryMs;
    };
    if (isFresh()) return null;
    return this.#alone(worker, async () => {
      if (isFresh()) return;
      const seen = this.#seen.get(worker);
      const record = await this.#look(worker);
      const isFirst = record === null && (await this.#workers.noteFetch(worker, queues, count));
      if (isFirst) await this.#write('worker.started', worker, { queues, concurrency: count });
      const state = record?.state ?? 'running';
      this.#remember(worker, { state, told: seen?.told ?? 0, fetched: this.#clock.now(), stopped: false });
    });
  }

  /** To be called before a heartbeat; null where there is nothing to wait for. */
  beating(beat: WorkerBeat): Promise<void> | null {
    const { worker, state } = beat;
    const now = this.#clock.now();
    if (!this.#on) {
      this.#remember(worker, { state, told: now, fetched: 0, stopped: false });
      return null;
    }
    const isNews = () => {
      const seen = this.#seen.get(worker);
      return seen?.state !== state || (state !== 'terminate' && now - seen.told >= tellEveryMs);
    };
    if (!this.#mutex.has(worker) && !isNews()) return null;
    return this.#alone(worker, async () => {
      if (!isNews()) return;
      const seen = this.#seen.get(worker);
      // Another node may have heard of it last. A worker that only fetched so far is in no record.
      const before =
        seen?.state === state
          ? state
          : ((await this.#look(worker))?.state ?? (seen?.stopped === false ? seen.state : null));
      const { queues, concurrency } = toldBy(beat);
      let told = seen?.told ?? now;
      if (state !== 'terminate' && before === null) {
        await this.#write('worker.started', worker, { queues, concurrency });
        told = now;
      }
      if (state === 'quiet' && before !== 'quiet')
        await this.#write('worker.quiet', worker, { active_jobs: activeJobs(beat) });
      if (state !== 'terminate' && before !== null && now - (seen?.told ?? 0) >= tellEveryMs) {
        await this.#write('worker.heartbeat', worker, { active_jobs: activeJobs(beat), queues });
        told = now;
      }
      this.#remember(worker, {
        state,
        told,
        fetched: seen?.fetched ?? 0,
        stopped: seen?.stopped === true && state === 'terminate',
      });
    });
  }

  /** To be called by whoever removed its record. */
  stopped(worker: string, reason: 'shutdown' | 'error'): Promise<void> {
    return this.#alone(worker, async () => {
      // Its last heartbeat may come twice.
      if (this.#seen.get(worker)?.stopped) return;
      this.#remember(worker, { state: 'terminate', told: this.#clock.now(), fetched: 0, stopped: true });
      await this.#write('worker.stopped', worker, { reason });
    });
  }

  #remember(worker: string, seen: Seen): void {
    this.#seen.delete(worker);
    this.#seen.set(worker, seen);
    const oldest = this.#seen.size > maxSeen ? this.#seen.keys().next().value : undefined;
    if (oldest !== undefined) this.#seen.delete(oldest);
  }

  async #write(kind: EventKind, worker: string, more: Readonly<Record<string, unknown>>): Promise<void> {
    if (!this.#on) return;
    const data: Json = JSON.stringify({ worker_id: worker, ...more });
    await this.#storage.record([otherEventEntry(kind, worker, data)], this.#clock.now());
  }

  async #alone(worker: string, work: () => Promise<void>): Promise<void> {
    try {
      await this.#mutex.run(worker, work);
    } catch (error) {
      this.#log.warn({ err: error }, 'worker record not written');
    }
  }
}

/** The last heartbeat of a worker that lists all that it holds: nothing any more, and it will not fetch again. */
export function isFinalBeat({ state, holds, partial }: WorkerBeat): boolean {
  return state === 'terminate' && holds !== null && holds.length === 0 && partial !== true;
}

function activeJobs({ holds, active }: WorkerBeat): number {
  return active ?? holds?.length ?? 0;
}

function toldBy({ info }: WorkerBeat): { readonly queues: readonly string[]; readonly concurrency: number } {
  const told = JSON.parse(info) as { readonly queues?: unknown; readonly concurrency?: unknown };
  const { queues, concurrency } = told;
  return {
    queues: Array.isArray(queues) ? queues.filter((queue) => typeof queue === 'string') : [],
    concurrency: typeof concurrency === 'number' && Number.isInteger(concurrency) && concurrency >= 0 ? concurrency : 1,
  };
}
