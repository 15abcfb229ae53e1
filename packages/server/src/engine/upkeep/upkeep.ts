import type { Clock, Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, type NodeRef, State, type Transition } from '@ojs-ts/core/job';
import {
  type ClockStep,
  deadAt,
  diedTogether,
  forgotten,
  leaseLost,
  liveness,
  overdue,
  presumed,
  type SilentWorker,
  withoutSteps,
} from '@ojs-ts/core/lifecycle';
import type { Held, Page, Storage, WorkerRecord } from '../../storage/storage.ts';
import { logFailure } from '../jobs/failure-log.ts';
import type { Maintenance } from '../maintenance.ts';
import type { EngineLog, EngineSettings } from '../options.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { processesOf, type WorkerProcess } from '../workers/processes.ts';
import { lookMs, type RetentionPasses } from './retention.ts';

/**
 * Pause between two looks for due jobs while the store changes, in milliseconds, and the longest one while nothing
 * happens: other nodes may have added jobs of which no hint has come.
 */
const dueMs = 100;
const quietMs = 1_000;
/** The shortest pause between two passes of the retention, in milliseconds: a share of 4/5 pauses 63 after 250. */
const retentionMs = 50;
/** Items of one call to the storage: about 2 ms of work on SQLite, so upkeep never delays the calls of users. */
const page = 200;
/** Jobs that are read whole at once. */
const readPage = 16;

/**
 * If no loop has run for this long, the process was stopped or starved, and heartbeats are unread in its sockets. If
 * the store has answered none, it was unreachable, and heartbeats were refused. In milliseconds.
 */
const stallMs = 5_000;

/** An execution that has seen more steps of the clock than this counts the oldest as time that has passed. */
const maxSteps = 10;

/** Periodic work of another part of the engine. */
export interface Chore {
  /** In measurements and in the log. */
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

interface Parts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: EngineLog;
  readonly telemetry: Telemetry;
  /** Called with every error of a task. */
  readonly failed: (error: unknown) => void;
  readonly settings: EngineSettings;
  readonly advance: (ready: readonly NodeRef[]) => Promise<void>;
  readonly retention: RetentionPasses;
  readonly maintenance: Maintenance;
  readonly holder: string;
  /** Deletes the record of a dead worker. */
  readonly forget: (worker: WorkerRecord) => Promise<unknown>;
  readonly chores: readonly Chore[];
}

/**
 * Periodic work: promotion, overdue jobs, dead workers, lost fetches, retention. Any node may do any of it at any time;
 * what a node knows of earlier passes only saves others time. A lease only spreads the slow passes.
 */
export class Upkeep {
  readonly #parts: Parts;
  /**
   * The silence of workers counts from here at the earliest: a node that was down or stopped, or whose store was
   * unreachable, received no heartbeats.
   */
  #since: number;
  /** Steps of the clock that were followed, oldest first. */
  #steps: readonly ClockStep[] = [];
  /**
   * Claims that their workers do not list, and since when this node knows of them. A claim has the time at which it was
   * sent to the store, which a slow call reaches seconds later: heartbeats from between could not list it.
   */
  #unlisted: ReadonlyMap<string, Millis> = new Map();
  /** When a loop last started, by the wall clock. */
  #ticked = Date.now();
  /** When the store last answered a loop, by the wall clock. */
  #answered = Date.now();
  readonly #loops: Loop[] = [];
  #due: Loop | undefined;
  /** Changes of the store, and those that a look for due jobs has seen; at first nothing is known. */
  #changes = 1;
  #seen = 0;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#since = parts.clock.now();
  }

  /**
   * Promotion is at most 200 ms late. A dead worker's jobs are available again within 35 s at the defaults.
   * @param hinted whether {@link changed} is called after every change of the store, by whatever node.
   */
  start(hinted = false): void {
    const every = (name: string, ms: number, work: () => Promise<unknown>) => {
      this.#parts.telemetry.expect(name);
      // A store that is unreachable for an hour is logged once, not ten times a second.
      let failing = false;
      const failed = (error: unknown) => {
        this.#parts.failed(error);
        if (!failing) this.#parts.log.error({ err: error, task: name }, 'upkeep failed');
        failing = true;
      };
      const task = async () => {
        this.#notice();
        const pause = await this.#parts.telemetry.round(name, work);
        this.#answered = Date.now();
        if (failing) this.#parts.log.info({ task: name }, 'upkeep recovered');
        failing = false;
        return typeof pause === 'number' ? pause : ms;
      };
      const loop = new Loop(ms, task, failed);
      this.#loops.push(loop);
      return loop;
    };
    this.#ticked = Date.now();
    this.#answered = this.#ticked;
    this.#due = every('due', dueMs, async () => {
      const changes = this.#changes;
      // Jobs that are due already stay due in maintenance mode, so their time says nothing of the next lease.
      const paused = this.#parts.maintenance.on;
      if (hinted && !paused && changes === this.#seen) {
        const ms = await this.#untilDue();
        if (ms > 0) return ms;
      }
      await this.promote();
      await this.settleOverdue();
      this.#seen = changes;
      if (paused) return quietMs;
      return hinted ? this.#untilDue() : dueMs;
    });
    every('maintenance', 1_000, () => this.#parts.maintenance.read());
    every('liveness', 2_000, () => this.#led('liveness', 6_000, () => this.settleLiveness()));
    every('retention', retentionMs, async () => {
      const pause = await this.#led('retention', 15_000, () => this.#parts.retention.pass(() => this.#stopping));
      return pause ?? lookMs;
    });
    for (const { name, everyMs, run } of this.#parts.chores) every(name, everyMs, run);
  }

  /** The silence of workers counts from here at the earliest. */
  get since(): Millis {
    return this.#since;
  }

  /**
   * The clock was moved by `by` milliseconds, and the heartbeats and leases of living workers have times from before.
   * So silence counts from now on, and an execution has only used the time that has passed.
   */
  stepped(by: Millis): void {
    const at = this.#parts.clock.now();
    this.#since = at;
    this.#steps = [...this.#steps, { at, by }].slice(-maxSteps);
  }

  /** The store has changed, perhaps by a job that is due soon. */
  changed(): void {
    this.#changes += 1;
    this.#due?.hurry();
  }

  /** Waits for the pages in flight, not for the backlog behind them. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops.splice(0).map((loop) => loop.stop()));
    // The leases end by themselves, and a store that does not answer must not hold up the end.
    if (Date.now() - this.#answered > stallMs) return;
    const release = (name: string) => this.#parts.storage.upkeep.release(name, this.#parts.holder).catch(() => {});
    await Promise.all([release('liveness'), release('retention')]);
  }

  /** Does everything once, without leases: for tests and for an engine without timers. */
  async run(): Promise<void> {
    await this.#parts.maintenance.read();
    await this.promote();
    await this.settleOverdue();
    await this.settleLiveness();
    await this.prune();
    for (const { run } of this.#parts.chores) await run();
  }

  /** Promotes due jobs, at most `rounds` pages; in maintenance mode none. */
  promote(rounds = Number.POSITIVE_INFINITY): Promise<void> {
    return this.#parts.telemetry.tracing.span('ojs.scheduler poll', () => this.#promote(rounds));
  }

  async #promote(rounds: number): Promise<void> {
    for (let round = 0; round < rounds && !this.#stopping && !this.#parts.maintenance.on; round++) {
      const counts = await this.#parts.storage.upkeep.promote(this.#parts.clock.now(), page);
      if (counts.reduce((sum, { count }) => sum + count, 0) < page) return;
    }
  }

  /** Ends overdue jobs, at most `rounds` pages. */
  settleOverdue(rounds = Number.POSITIVE_INFINITY): Promise<void> {
    return this.#parts.telemetry.tracing.span('ojs.visibility check', () => this.#settleOverdue(rounds));
  }

  async #settleOverdue(rounds: number): Promise<void> {
    let limit = page;
    for (let round = 0; round < rounds && !this.#stopping && !this.#parts.clock.stands?.(); round++) {
      const now = this.#parts.clock.now();
      const read = await this.#parts.storage.upkeep.overdue(now, limit);
      const jobs = this.#steps.length === 0 ? read : read.map((job) => withoutSteps(job, this.#steps));
      const workers = jobs.some(({ state, worker }) => state === State.active && worker !== null)
        ? await this.#workers()
        : new Map();
      const { deadAfterMs } = this.#parts.settings;
      const by = Map.groupBy(jobs, (job) => presumed(job, workers.get(job.worker), now, this.#since, deadAfterMs));
      const lost = by.get('dead') ?? [];
      const decided = (by.get('alive') ?? []).flatMap((job): Decision[] => {
        const transition = overdue(job, now, this.#parts.random);
        return transition === null ? [] : [{ job, transition }];
      });
      const deaths = await this.#settleDeaths(new Set(lost.flatMap(({ worker }) => worker ?? [])), workers, now);
      const moved = deaths.moved + (await this.#apply(decided));
      if (jobs.length < limit) return;
      if (moved > 0) continue;
      // If nothing moved on a full page, another node is at work, or the jobs wait for heartbeats: others may follow
      // them.
      if (decided.length === jobs.length || limit >= 50 * page) return;
      limit *= 2;
    }
  }

  /** Without their envelopes, which may have a megabyte each. */
  async #jobs(ids: readonly JobId[]): Promise<readonly (JobRecord | null)[]> {
    const found: (JobRecord | null)[] = [];
    for (let at = 0; at < ids.length; at += readPage) {
      const part = await this.#parts.storage.jobs.get(ids.slice(at, at + readPage));
      found.push(...part.map((job) => job && { ...job, envelope: '' }));
    }
    return found;
  }

  settleLiveness(): Promise<void> {
    return this.#parts.telemetry.tracing.span('ojs.reaper check', () => this.#settleLiveness());
  }

  async #settleLiveness(): Promise<void> {
    if (this.#parts.clock.stands?.()) return;
    // The time is taken before the read: a slow store may answer while workers in its answer send heartbeats.
    const now = this.#parts.clock.now();
    const workers = new Map((await this.#parts.storage.registry.workers()).map((worker) => [worker.worker, worker]));
    if (workers.size === 0) return;
    const dead = [...workers.values()].filter((worker) => this.#isDead(worker, now));
    const names = new Set(dead.map(({ worker }) => worker));
    const settled = await this.#settleDeaths(names, workers, now);
    let { moved } = settled;
    const unlisted = new Map<string, Millis>();
    for await (const held of this.#held()) {
      const at = this.#parts.clock.now();
      const suspects = held.filter((claim) => {
        const worker = workers.get(claim.worker) ?? null;
        if (worker?.holds?.includes(claim.id) !== false) return false;
        const key = `${claim.id} ${claim.claim}`;
        const startedAt = Math.max(claim.startedAt, this.#unlisted.get(key) ?? at);
        unlisted.set(key, startedAt);
        return (
          liveness({ ...claim, startedAt }, worker, now, this.#since, this.#parts.settings.deadAfterMs) === 'forgotten'
        );
      });
      const jobs = await this.#jobs(suspects.map(({ id }) => id));
      moved += await this.#apply(
        suspects.flatMap(({ claim }, index): Decision[] => {
          const job = jobs[index];
          return job?.state === State.active && job.claim === claim ? [{ job, transition: forgotten(job, at) }] : [];
        }),
      );
      for (const { worker } of suspects) names.add(worker);
    }
    this.#unlisted = unlisted;
    if (moved > 0) this.#parts.log.warn({ moved, workers: [...names] }, 'jobs recovered from silent workers');
    // Without its record, it could not be explained later how a worker ended that still holds a job.
    for (const worker of dead) if (!settled.waiting.has(worker.worker)) await this.#parts.forget(worker);
  }

  /**
   * Takes the jobs of dead processes back, all jobs of a process in one change, and answers which workers hold jobs
   * that are not taken back yet. `names` are silent workers; others of their processes are looked at with them.
   */
  async #settleDeaths(
    names: ReadonlySet<string>,
    workers: ReadonlyMap<string | null, WorkerRecord>,
    now: Millis,
  ): Promise<{ readonly moved: number; readonly waiting: ReadonlySet<string> }> {
    const waiting = new Set<string>();
    if (names.size === 0) return { moved: 0, waiting };
    const processes = processesOf(names, [...workers.values()]);
    const claims = new Map<string, Held[]>();
    for await (const held of this.#held())
      for (const claim of held) {
        if (!processes.has(claim.worker)) continue;
        claims.set(claim.worker, [...(claims.get(claim.worker) ?? []), claim]);
      }
    const byProcess = new Map<WorkerProcess, Silent[]>();
    for (const [worker, held] of claims) {
      const read = await this.#jobs(held.map(({ id }) => id));
      const jobs = read.flatMap((job, at) =>
        job?.state === State.active && job.claim === held[at]?.claim ? [withoutSteps(job, this.#steps)] : [],
      );
      const process = processes.get(worker);
      if (process === undefined) continue;
      const one = { worker, signs: workers.get(worker) ?? null, jobs };
      byProcess.set(process, [...(byProcess.get(process) ?? []), one]);
    }
    let moved = 0;
    for (const [process, members] of byProcess) {
      const gone = diedTogether(members, now, this.#since, this.#parts.settings.deadAfterMs);
      for (const one of members) if (!gone.includes(one)) waiting.add(one.worker);
      const jobs = gone.flatMap((one) => one.jobs);
      const death = { ...process, beside: jobs.length - 1 };
      const at = this.#parts.clock.now();
      const decided = jobs.map((job) => ({
        job,
        transition: leaseLost(job, 'worker_death', at, this.#parts.settings.poisonAfter, death),
      }));
      moved += await this.#apply(decided);
    }
    return { moved, waiting };
  }

  async *#held(): AsyncGenerator<readonly Held[]> {
    let after: string | null = null;
    do {
      const { items, next }: Page<Held> = await this.#parts.storage.upkeep.held(after, page);
      yield items;
      after = next;
    } while (after !== null);
  }

  /** A pass of the retention over every kind. */
  async prune(): Promise<void> {
    await this.#parts.retention.look(() => this.#stopping);
  }

  async #untilDue(): Promise<number> {
    const next = await this.#parts.storage.upkeep.nextDue(this.#parts.clock.now() + quietMs);
    return next === null ? quietMs : Math.min(quietMs, next - this.#parts.clock.now());
  }

  async #workers(): Promise<ReadonlyMap<string | null, WorkerRecord>> {
    return new Map((await this.#parts.storage.registry.workers()).map((worker) => [worker.worker, worker]));
  }

  /**
   * Every loop checks this, because after a stall any of them may run first. The wall clock also runs while a machine
   * sleeps.
   */
  #notice(): void {
    const now = Date.now();
    if (now - Math.min(this.#ticked, this.#answered) > stallMs) this.#since = this.#parts.clock.now();
    this.#ticked = now;
  }

  /** @param now from before the worker was read. */
  #isDead(worker: WorkerRecord | undefined, now: number): boolean {
    return worker !== undefined && now >= deadAt(worker.seenAt, this.#since, this.#parts.settings.deadAfterMs);
  }

  async #apply(decided: readonly Decision[]): Promise<number> {
    if (decided.length === 0) return 0;
    const transitions = decided.map(({ transition }) => transition);
    const outcomes = await this.#parts.storage.jobs.transition(transitions, this.#parts.clock.now());
    decided.forEach(({ job, transition }, index) => {
      if (outcomes[index]?.kind === 'moved') logFailure(this.#parts.log, job, transition);
    });
    const moved = outcomes.filter(({ kind }) => kind === 'moved');
    const ready = moved.flatMap((outcome) => (outcome.kind === 'moved' ? outcome.ready : []));
    if (ready.length > 0) await this.#parts.advance(ready);
    return moved.length;
  }

  /** Answers what the work answers; null where another node does it. */
  async #led<T>(name: string, ttlMs: number, work: () => Promise<T>): Promise<T | null> {
    const isLeader = await this.#parts.storage.upkeep.lease(name, this.#parts.holder, ttlMs, this.#parts.clock.now());
    return isLeader ? work() : null;
  }
}

/** A change that the server makes by itself, and the job that it was decided from. */
interface Decision {
  readonly job: JobRecord;
  readonly transition: Transition;
}

interface Silent extends SilentWorker {
  readonly worker: string;
  readonly jobs: readonly JobRecord[];
}

/** Runs a task periodically, never twice at once; `stop()` waits for the current run. */
class Loop {
  readonly #everyMs: number;
  readonly #run: () => void;
  #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;
  #endedAt = performance.now();
  /** The next run comes as soon as it may. */
  #hurried = true;
  #stopped = false;

  /** @param task answers the pause until its next run, which is at least `everyMs`. */
  constructor(everyMs: number, task: () => Promise<number>, failed: (error: unknown) => void) {
    this.#everyMs = everyMs;
    this.#run = () => {
      this.#hurried = false;
      this.#running = task()
        .catch(failed)
        .then((pauseMs) => {
          this.#running = null;
          this.#endedAt = performance.now();
          if (this.#stopped) return;
          const isLong = !this.#hurried && pauseMs !== undefined && pauseMs > everyMs;
          this.#hurried = !isLong;
          this.#timer = setTimeout(this.#run, isLong ? pauseMs : everyMs);
        });
    };
    this.#timer = setTimeout(this.#run, everyMs);
  }

  /** Cuts a pause short that is longer than `everyMs`. */
  hurry(): void {
    if (this.#hurried || this.#stopped) return;
    this.#hurried = true;
    if (this.#running !== null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#run, Math.max(0, this.#endedAt + this.#everyMs - performance.now()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
