import type { Clock, Millis } from '@ojs-ts/core';
import { type EventKind, otherEventEntry } from '@ojs-ts/core/events';
import type { Json } from '@ojs-ts/core/job';
import type { Storage, WorkerBeat, WorkerRecord } from '../../storage/storage.ts';
import { coalesce } from '../coalesce.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { EngineLog } from '../options.ts';
import { noteEveryMs, type Workers } from './workers.ts';

interface WorkerActivity {
  readonly state: WorkerBeat['state'];
  /** When its last `worker.started` or `worker.heartbeat` was written. */
  readonly eventAt: Millis;
  /** When its last fetch was recorded. */
  readonly fetched: Millis;
  readonly stopped: boolean;
}

/**
 * Time between two `worker.heartbeat` events of one worker, in milliseconds: one event for twelve heartbeats at the
 * default of 5 s.
 */
const heartbeatEventMs = 60_000;
/** The most workers in this node's memory; another one is read from the store again. */
const maxWorkers = 10_000;

/**
 * Observes workers by their fetches and heartbeats, and writes their events (ojs-events §3.4): started at the first of
 * them, quiet when they report it, one heartbeat event a minute, stopped with their last heartbeat, their
 * deregistration or their death. Also records workers that fetch without heartbeats. A worker that this node does not
 * know is read from the store, so that not every node writes that it started. A failed write is logged; it never fails
 * the worker's call.
 */
export class Presence {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #on: boolean;
  readonly #workers: Workers;
  readonly #activity = new Map<string, WorkerActivity>();
  /** One call of a worker at a time, or its first fetch and its first heartbeat would both start it. */
  readonly #mutex = new KeyedMutex();
  readonly #findRecord: (worker: string) => Promise<WorkerRecord | null>;

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
    const findRecords = async (workers: readonly string[]) => {
      const records = new Map((await this.#storage.registry.workers()).map((record) => [record.worker, record]));
      return workers.map((worker) => records.get(worker) ?? null);
    };
    this.#findRecord = coalesce(findRecords, { parallel: 1, max: maxWorkers, split: false });
  }

  /** Forgets all workers: the store was emptied. */
  forget(): void {
    this.#activity.clear();
  }

  /** Call before a fetch. Null if there is nothing to wait for. */
  fetching(worker: string | null, queues: readonly string[], count: number): Promise<void> | null {
    if (worker === null) return null;
    const isFresh = () => {
      const last = this.#activity.get(worker);
      return last?.stopped === false && this.#clock.now() - Math.max(last.eventAt, last.fetched) < noteEveryMs;
    };
    if (isFresh()) return null;
    return this.#alone(worker, async () => {
      if (isFresh()) return;
      const last = this.#activity.get(worker);
      const record = await this.#findRecord(worker);
      const isFirst = record === null && (await this.#workers.noteFetch(worker, queues, count));
      if (isFirst) await this.#write('worker.started', worker, { queues, concurrency: count });
      const state = record?.state ?? 'running';
      this.#remember(worker, { state, eventAt: last?.eventAt ?? 0, fetched: this.#clock.now(), stopped: false });
    });
  }

  /** Call before a heartbeat. Null if there is nothing to wait for. */
  beating(beat: WorkerBeat): Promise<void> | null {
    const { worker, state } = beat;
    const now = this.#clock.now();
    if (!this.#on) {
      this.#remember(worker, { state, eventAt: now, fetched: 0, stopped: false });
      return null;
    }
    const needsEvent = () => {
      const last = this.#activity.get(worker);
      return last?.state !== state || (state !== 'terminate' && now - last.eventAt >= heartbeatEventMs);
    };
    if (!this.#mutex.has(worker) && !needsEvent()) return null;
    return this.#alone(worker, async () => {
      if (!needsEvent()) return;
      const last = this.#activity.get(worker);
      // Its last call may have gone to another node. A worker that only fetched so far has no record.
      const before =
        last?.state === state
          ? state
          : ((await this.#findRecord(worker))?.state ?? (last?.stopped === false ? last.state : null));
      const { queues, concurrency } = descriptionOf(beat);
      let eventAt = last?.eventAt ?? now;
      if (state !== 'terminate' && before === null) {
        await this.#write('worker.started', worker, { queues, concurrency });
        eventAt = now;
      }
      if (state === 'quiet' && before !== 'quiet')
        await this.#write('worker.quiet', worker, { active_jobs: activeJobs(beat) });
      if (state !== 'terminate' && before !== null && now - (last?.eventAt ?? 0) >= heartbeatEventMs) {
        await this.#write('worker.heartbeat', worker, { active_jobs: activeJobs(beat), queues });
        eventAt = now;
      }
      this.#remember(worker, {
        state,
        eventAt,
        fetched: last?.fetched ?? 0,
        stopped: last?.stopped === true && state === 'terminate',
      });
    });
  }

  /** Call after its record was removed. */
  stopped(worker: string, reason: 'shutdown' | 'error'): Promise<void> {
    return this.#alone(worker, async () => {
      // A client may repeat its last heartbeat.
      if (this.#activity.get(worker)?.stopped) return;
      this.#remember(worker, { state: 'terminate', eventAt: this.#clock.now(), fetched: 0, stopped: true });
      await this.#write('worker.stopped', worker, { reason });
    });
  }

  #remember(worker: string, last: WorkerActivity): void {
    this.#activity.delete(worker);
    this.#activity.set(worker, last);
    const oldest = this.#activity.size > maxWorkers ? this.#activity.keys().next().value : undefined;
    if (oldest !== undefined) this.#activity.delete(oldest);
  }

  async #write(kind: EventKind, worker: string, more: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#on) {
      const data: Json = JSON.stringify({ worker_id: worker, ...more });
      await this.#storage.record([otherEventEntry(kind, worker, data)], this.#clock.now());
    }
    const fields = { category: 'worker', worker_id: worker, ...more };
    if (kind === 'worker.started') this.#log.info(fields, `Worker registered: ${worker}`);
    else if (kind === 'worker.quiet') this.#log.info(fields, `Worker draining, ${more.active_jobs} jobs in progress`);
    else if (kind === 'worker.heartbeat') this.#log.debug(fields, 'Worker heartbeat');
    else if (more.reason === 'error') this.#log.error(fields, 'Worker lost');
    else this.#log.info(fields, 'Worker stopped gracefully');
  }

  async #alone(worker: string, work: () => Promise<void>): Promise<void> {
    try {
      await this.#mutex.run(worker, work);
    } catch (error) {
      this.#log.warn({ err: error }, 'worker record not written');
    }
  }
}

/** The last heartbeat of a worker that lists all its jobs: no job is left, and it will not fetch again. */
export function isFinalBeat({ state, holds, partial }: WorkerBeat): boolean {
  return state === 'terminate' && holds !== null && holds.length === 0 && partial !== true;
}

function activeJobs({ holds, active }: WorkerBeat): number {
  return active ?? holds?.length ?? 0;
}

function descriptionOf({ info }: WorkerBeat): { readonly queues: readonly string[]; readonly concurrency: number } {
  const eventAt = JSON.parse(info) as { readonly queues?: unknown; readonly concurrency?: unknown };
  const { queues, concurrency } = eventAt;
  return {
    queues: Array.isArray(queues) ? queues.filter((queue) => typeof queue === 'string') : [],
    concurrency: typeof concurrency === 'number' && Number.isInteger(concurrency) && concurrency >= 0 ? concurrency : 1,
  };
}
