import {
  type Clock,
  defaultDeadAfterMs,
  type JobId,
  type JobRecord,
  type Millis,
  type NewJob,
  recordOf,
  State,
  uuidv7,
} from '@ojs-ts/core';
import type { Beaten, Directive, Storage, WorkerBeat } from '../storage/storage.ts';
import { type Batches, batches } from './batches.ts';
import { Fetches, type FetchRequest } from './fetch.ts';
import { Lifecycle } from './lifecycle.ts';
import { defaultRetention, type EngineLog, type EngineOptions, silentLog } from './options.ts';
import { type Outcome, type Settlement, Settlements } from './settlement.ts';
import { StoreClock } from './time.ts';
import { Upkeep } from './upkeep.ts';

export type Pushed =
  | { readonly kind: 'created'; readonly jobs: readonly JobRecord[] }
  /** Every job of the call is there already, with the same content: a repeated call. */
  | { readonly kind: 'repeated'; readonly jobs: readonly JobRecord[] }
  | { readonly kind: 'duplicate'; readonly index: number; readonly existing: JobRecord };

/**
 * PUSH FETCH ACK FAIL BEAT CANCEL ACTIVATE INFO (ojs-core §7) on a storage: decisions are core's, atomicity is the storage's,
 * what stands here is their order.
 */
export class Engine implements AsyncDisposable {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly startedAt: Millis;
  readonly upkeep: Upkeep;
  readonly lifecycle: Lifecycle;
  readonly #batches: Batches;
  readonly #fetches: Fetches;
  readonly #settlements: Settlements;
  readonly #stop: (() => Promise<void>)[] = [];
  readonly #log: EngineLog;

  private constructor(options: EngineOptions, clock: Clock) {
    const { storage, random = Math.random, log = silentLog } = options;
    this.storage = storage;
    this.clock = clock;
    this.startedAt = clock.now();
    this.#log = log;
    this.#batches = batches(storage, clock);
    this.#fetches = new Fetches(this.#batches, options.visibilityMs ?? 1_800_000);
    this.#settlements = new Settlements(this.#batches, clock, random);
    this.upkeep = new Upkeep({
      storage,
      clock,
      random,
      log,
      deadAfterMs: options.deadAfterMs ?? defaultDeadAfterMs,
      retention: { ...defaultRetention, ...options.retention },
      holder: uuidv7(),
    });
    this.lifecycle = new Lifecycle(this.#batches, clock);
  }

  /** Migrates the store and starts the upkeep. Throws where the store cannot be reached or its layout is newer than this code. */
  static async start(options: EngineOptions): Promise<Engine> {
    const { storage } = options;
    const migrated = await storage.migrate();
    const own = options.clock === undefined ? new StoreClock() : null;
    await own?.follow(storage);
    const engine = new Engine(options, own ?? (options.clock as Clock));
    if (migrated.from !== migrated.to) engine.#log.info({ ...migrated }, 'store layout migrated');
    const subscription = await storage.subscribe((wakes) => {
      for (const { queue } of wakes) engine.#fetches.wake(queue);
    });
    engine.#stop.push(async () => subscription[Symbol.asyncDispose]());
    if (own !== null) {
      const follow = setInterval(() => {
        own.follow(storage).catch((error: unknown) => engine.#log.warn({ err: error }, 'the clock of the store could not be read'));
      }, 10_000);
      engine.#stop.push(async () => clearInterval(follow));
    }
    if (options.upkeep !== 'manual') {
      engine.upkeep.start();
      engine.#stop.push(() => engine.upkeep.stop());
    }
    return engine;
  }

  /** Inserts jobs all or none (ojs-core §7.1, X37). */
  async push(jobs: readonly NewJob[]): Promise<Pushed> {
    const inserted = await this.#batches.insert(jobs);
    const index = inserted.findIndex(({ kind }) => kind === 'duplicate');
    const refused = inserted[index];
    if (refused?.kind === 'duplicate') return { kind: 'duplicate', index, existing: refused.existing };
    const present = inserted.flatMap((one) => (one.kind === 'already' ? [one.job] : []));
    if (present.length === jobs.length) return { kind: 'repeated', jobs: present };
    return { kind: 'created', jobs: jobs.map(recordOf) };
  }

  /** Claims jobs; with `waitMs` waits for the first. An abort ends the waiting. */
  fetch(request: FetchRequest, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    return this.#fetches.fetch(request, signal);
  }

  /** Undoes claims whose answer could not be delivered; their attempt does not count. */
  giveBack(jobs: readonly JobRecord[]): Promise<void> {
    return this.#settlements.giveBack(jobs);
  }

  /** ACK, FAIL and requeue (ojs-core §7.3–7.4). */
  settle(settlement: Settlement): Promise<Outcome> {
    return this.#settlements.settle(settlement);
  }

  beat(beat: WorkerBeat): Promise<Beaten> {
    return this.#batches.beat(beat);
  }

  /** INFO (ojs-core §7.7): the job as it is now, due promotions and expiries done; null where there is none. */
  async get(id: JobId): Promise<JobRecord | null> {
    const job = await this.#batches.get(id);
    if (job === null || !isDue(job, this.clock.now())) return job;
    await this.upkeep.promote(readRounds);
    await this.upkeep.settleOverdue(readRounds);
    return this.#batches.get(id);
  }

  /** What an operator orders a worker to do; false where no heartbeat of it is on record. */
  direct(worker: string, directive: Directive | null): Promise<boolean> {
    return this.storage.registry.direct(worker, directive);
  }

  /** Long polls answer at once from now on: what a server does before it waits for the requests under way. */
  drain(): void {
    this.#fetches.close();
  }

  /** Ends the upkeep and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    for (const stop of this.#stop.splice(0).reverse()) await stop();
    await this.storage[Symbol.asyncDispose]();
  }
}

/** A reader helps with so many pages of what is due; behind a longer backlog it sees its job as it still is. */
const readRounds = 5;

function isDue(job: JobRecord, now: Millis): boolean {
  if (job.state === State.active)
    return job.leaseUntil !== null && (job.leaseUntil <= now || (job.startedAt ?? now) + job.timeoutMs <= now);
  if (job.expiresAt !== null && job.expiresAt <= now) return job.finishedAt === null;
  return (job.state === State.scheduled || job.state === State.retryable) && job.runAt <= now;
}
