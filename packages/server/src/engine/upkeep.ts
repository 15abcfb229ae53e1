import { type Clock, leaseLost, liveness, overdue, requeued, State, type Transition } from '@ojs-ts/core';
import type { Held, Storage, WorkerRecord } from '../storage/storage.ts';
import type { EngineLog, Retention } from './options.ts';

/** Items of one call to the storage: about 2 ms of work on SQLite, so upkeep never holds up the calls of users. */
const page = 200;

/** No loop having run for this long means that the process was stopped or starved, and heartbeats lie unread in its sockets. */
const stallMs = 5_000;

/**
 * The work that time asks for: promotion, overdue jobs, dead and forgetful workers, retention.
 * Any node may do any of it at any time; nothing is kept in a leader's memory. A lease only spreads the slow passes.
 */
export class Upkeep {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: EngineLog;
  readonly #deadAfterMs: number;
  readonly #retention: Retention;
  readonly #holder: string;
  /** Silence of workers counts from here at the earliest: while this node was down, or stood still, nobody could be heard. */
  #since: number;
  /** When a loop last began, on the monotonic clock. */
  #ticked = performance.now();
  readonly #loops: Loop[] = [];

  constructor(parts: {
    readonly storage: Storage;
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: EngineLog;
    readonly deadAfterMs: number;
    readonly retention: Retention;
    readonly holder: string;
  }) {
    this.#storage = parts.storage;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#log = parts.log;
    this.#deadAfterMs = parts.deadAfterMs;
    this.#retention = parts.retention;
    this.#holder = parts.holder;
    this.#since = parts.clock.now();
  }

  /** Promotion may be at most 200 ms late (digest §2.1); a dead worker's jobs are back within 35 s at the defaults. */
  start(): void {
    const every = (ms: number, work: () => Promise<void>) => {
      // A store that is away for an hour is told once, not ten times a second.
      let failing = false;
      const failed = (error: unknown) => {
        if (!failing) this.#log.error({ err: error }, 'upkeep failed; it will be tried again');
        failing = true;
      };
      const task = async () => {
        this.#notice(performance.now());
        await work();
        if (failing) this.#log.info({}, 'upkeep works again');
        failing = false;
      };
      this.#loops.push(new Loop(ms, task, failed));
    };
    this.#ticked = performance.now();
    every(100, () => this.promote());
    every(200, () => this.settleOverdue());
    every(2_000, () => this.#led('liveness', 6_000, () => this.settleLiveness()));
    every(5_000, () => this.#led('retention', 15_000, () => this.prune()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.splice(0).map((loop) => loop.stop()));
    await this.#storage.upkeep.release('liveness', this.#holder);
    await this.#storage.upkeep.release('retention', this.#holder);
  }

  /** Everything once, whatever the leases say: for tests and for an engine without timers. */
  async run(): Promise<void> {
    await this.promote();
    await this.settleOverdue();
    await this.settleLiveness();
    await this.prune();
  }

  async promote(): Promise<void> {
    let moved = page;
    while (moved >= page) {
      const counts = await this.#storage.upkeep.promote(this.#clock.now(), page);
      moved = counts.reduce((sum, { count }) => sum + count, 0);
    }
  }

  async settleOverdue(): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      const jobs = await this.#storage.upkeep.overdue(now, page);
      const dead = jobs.some(({ state, worker }) => state === State.active && worker !== null) ? await this.#deadWorkers() : new Set();
      const decided = jobs.map((job) => overdue(job, now, this.#random, dead.has(job.worker))).filter((transition) => transition !== null);
      const moved = await this.#apply(decided);
      // A full page of which nothing moved is another node's work; the next pass looks again.
      if (jobs.length < page || moved === 0) return;
    }
  }

  async settleLiveness(): Promise<void> {
    const workers = new Map((await this.#storage.registry.workers()).map((worker) => [worker.worker, worker]));
    if (workers.size === 0) return;
    let after: string | null = null;
    do {
      const held: { readonly items: readonly Held[]; readonly next: string | null } = await this.#storage.upkeep.held(after, page);
      after = held.next;
      const now = this.#clock.now();
      const suspects = held.items.flatMap((claim) => {
        const verdict = liveness(claim, workers.get(claim.worker) ?? null, now, this.#since, this.#deadAfterMs);
        return verdict === 'alive' ? [] : [{ claim, verdict }];
      });
      if (suspects.length === 0) continue;
      const jobs = await this.#storage.jobs.get(suspects.map(({ claim }) => claim.id));
      const transitions = suspects.flatMap(({ claim, verdict }, index): Transition[] => {
        const job = jobs[index];
        if (!job || job.state !== State.active || job.claim !== claim.claim) return [];
        return [verdict === 'dead' ? leaseLost(job, 'worker_death', now) : requeued(job, 'lost_answer', now, 'server')];
      });
      const moved = await this.#apply(transitions);
      if (moved > 0)
        this.#log.warn({ moved, workers: [...new Set(suspects.map((s) => s.claim.worker))] }, 'jobs taken back from silent workers');
    } while (after !== null);
    for (const worker of workers.values()) if (this.#isDead(worker)) await this.#storage.registry.forgetWorker(worker.worker);
  }

  async prune(): Promise<void> {
    const now = this.#clock.now();
    const { completedMs, cancelledMs, discardedMs, keep, eventsMs, keepEvents } = this.#retention;
    const rules = {
      jobs: [
        { state: State.completed, before: now - completedMs, keep },
        { state: State.cancelled, before: now - cancelledMs, keep },
        { state: State.discarded, before: now - discardedMs, keep },
      ],
      events: { before: now - eventsMs, keep: keepEvents },
      requestsBefore: now - 600_000,
      workersBefore: now - 86_400_000,
    };
    for (let round = 0; round < 50; round++) {
      if ((await this.#storage.upkeep.prune(rules, page)) < page) return;
    }
  }

  async #deadWorkers(): Promise<ReadonlySet<string | null>> {
    const workers = await this.#storage.registry.workers();
    return new Set(workers.filter((worker) => this.#isDead(worker)).map(({ worker }) => worker));
  }

  /** Every loop looks, because after a stall any of them may be the first to run. */
  #notice(now: number): void {
    if (now - this.#ticked > stallMs) this.#since = this.#clock.now();
    this.#ticked = now;
  }

  #isDead(worker: WorkerRecord): boolean {
    return this.#clock.now() - Math.max(worker.seenAt, this.#since) >= this.#deadAfterMs;
  }

  async #apply(transitions: readonly Transition[]): Promise<number> {
    if (transitions.length === 0) return 0;
    const outcomes = await this.#storage.jobs.transition(transitions, this.#clock.now());
    return outcomes.filter(({ kind }) => kind === 'moved').length;
  }

  async #led(name: string, ttlMs: number, work: () => Promise<void>): Promise<void> {
    if (await this.#storage.upkeep.lease(name, this.#holder, ttlMs, this.#clock.now())) await work();
  }
}

/** Runs a task every so often, never twice at once; `stop()` waits for the run under way. */
class Loop {
  #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(everyMs: number, task: () => Promise<void>, failed: (error: unknown) => void) {
    const next = () => {
      this.#running = task()
        .catch(failed)
        .then(() => {
          if (!this.#stopped) this.#timer = setTimeout(next, everyMs);
        });
    };
    this.#timer = setTimeout(next, everyMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
