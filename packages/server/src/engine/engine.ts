import {
  Bulk,
  type Clock,
  Crons,
  deadAt,
  type HistoryPolicy,
  historyPolicy,
  isSuspect,
  type JobId,
  type JobRecord,
  Leases,
  Lifecycle,
  type Millis,
  type NodeRef,
  overdue,
  type Pushed,
  type PushItem,
  push,
  pushedAtOnce,
  run,
  State,
  uuidv7,
} from '@ojs-ts/core';
import { withDefaults } from '@ojs-ts/core/options';
import { EventSubscriptions } from '../realtime/log/event-subscriptions.ts';
import { JobEnds } from '../realtime/log/job-ends.ts';
import { JobLog, jobLogMs } from '../realtime/log/job-log.ts';
import type { Beaten, Directive, Inserted, Storage, WorkerBeat } from '../storage/storage.ts';
import { Audit } from './access/audit.ts';
import { StoreKeys } from './access/store-keys.ts';
import { freshTokensMs, Tokens } from './access/tokens.ts';
import { type Batches, batches } from './batches.ts';
import { BulkOperations, bulkMs, forgetBulkMs } from './bulk/bulk-operations.ts';
import { coalesce } from './coalesce.ts';
import { InFlight } from './in-flight.ts';
import { BulkReplies, forgetMs } from './jobs/bulk-replies.ts';
import { DeadLetter } from './jobs/dead-letter.ts';
import { Explainer } from './jobs/explain.ts';
import { Fetches, type FetchRequest } from './jobs/fetch.ts';
import { OutboxImport } from './jobs/outbox-import.ts';
import { Reports } from './jobs/reports.ts';
import { Searches } from './jobs/searches.ts';
import { type Ack, type Outcome, type Settlement, Settlements } from './jobs/settlement.ts';
import { Suspects } from './jobs/suspects.ts';
import { Maintenance } from './maintenance.ts';
import { type MemoryLimits, memoryLimits } from './memory-limits.ts';
import { type EngineLog, type EngineOptions, type EngineSettings, engineOptions, silentLog } from './options.ts';
import { AllQueues } from './queues/all-queues.ts';
import { LimitOverrides } from './queues/limit-overrides.ts';
import { QueueBound } from './queues/queue-bound.ts';
import { QueueSettings } from './queues/queue-settings.ts';
import { Statistics } from './queues/statistics.ts';
import { Totals } from './queues/totals.ts';
import { Schemas } from './schemas/schemas.ts';
import { measured } from './telemetry/measured-storage.ts';
import { StoreReadings } from './telemetry/store-reading.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { openTracing } from './telemetry/tracing.ts';
import { HistoryRetention } from './upkeep/history-retention.ts';
import { Removals } from './upkeep/removals.ts';
import { RetentionPasses } from './upkeep/retention.ts';
import { RetentionBacklog } from './upkeep/retention-backlog.ts';
import { StoreClock } from './upkeep/store-clock.ts';
import { StoreHealth } from './upkeep/store-health.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import type { Beat } from './workers/open-fetches.ts';
import { isFinalBeat, Presence } from './workers/presence.ts';
import { WorkerSecrets } from './workers/secrets.ts';
import { forgetWorkersMs, Workers } from './workers/workers.ts';
import { Workflows } from './workflows/workflows.ts';

/**
 * PUSH FETCH ACK FAIL BEAT CANCEL ACTIVATE INFO (ojs-core §7) on a storage. Core decides, the storage is atomic, this
 * class has the order of the steps.
 */
export class Engine implements AsyncDisposable {
  /** Each of its calls is measured. */
  readonly storage: Storage;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly startedAt: Millis;
  /** The options in use, with their defaults. */
  readonly settings: EngineSettings;
  /** Makes and checks the leases of this store. */
  readonly leases: Leases;
  /** Keys of this store for other purposes. */
  readonly keys: StoreKeys;
  /** What the history of a job tells, and for how long. */
  readonly history: HistoryPolicy;
  readonly removals: Removals;
  readonly retentionBacklog: RetentionBacklog;
  readonly upkeep: Upkeep;
  readonly storeHealth: StoreHealth;
  readonly maintenance: Maintenance;
  /** Null if the storage has no inbox. */
  readonly outboxImport: OutboxImport | null;
  readonly lifecycle: Lifecycle;
  readonly crons: Crons;
  readonly workflows: Workflows;
  readonly schemas: Schemas;
  readonly queueSettings: QueueSettings;
  readonly queues: AllQueues;
  readonly queueBound: QueueBound;
  readonly searches = new Searches();
  readonly limitOverrides: LimitOverrides;
  readonly statistics: Statistics;
  /** Running totals by queue and type, which survive pruning. */
  readonly totals: Totals;
  /** Follows the event log. */
  readonly subscriptions: EventSubscriptions;
  readonly reports: Reports;
  readonly jobEnds: JobEnds;
  /** Null where the lifecycle of jobs is not logged. */
  readonly jobLog: JobLog | null;
  readonly bulk: Bulk;
  readonly deadLetter: DeadLetter;
  readonly explainer: Explainer;
  readonly storeReadings: StoreReadings;
  readonly bulkReplies: BulkReplies;
  readonly bulkOperations: BulkOperations;
  readonly memory: MemoryLimits;
  /** Answers that were not delivered yet. */
  readonly answers: InFlight;
  /** Bodies of requests that were not answered yet, and those of acks, nacks, heartbeats and exchanges. */
  readonly requests: InFlight;
  readonly settlementRequests: InFlight;
  readonly workers: Workers;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly secrets: WorkerSecrets;
  readonly #batches: Batches;
  readonly #presence: Presence;
  readonly #fetches: Fetches;
  readonly #settlements: Settlements;
  readonly #suspects: Suspects;
  /**
   * Workers that reported themselves quiet or terminating to this node, and when. A hint that spares them jobs which
   * they would return.
   */
  readonly #quiet = new Map<string, Millis>();
  readonly #stop: (() => Promise<void>)[] = [];
  readonly #log: EngineLog;
  /** Does the due work that a reader waits for; readers that come meanwhile share the next run. */
  readonly #help: () => Promise<void>;
  #hinted: Promise<void> | undefined;

  private constructor(options: EngineOptions, clock: Clock, leaseKey: string, telemetry: Telemetry) {
    const { random = Math.random, log = silentLog } = options;
    const { tracing } = telemetry;
    const storage = measured(options.storage, telemetry);
    this.storage = storage;
    this.telemetry = telemetry;
    this.clock = clock;
    this.leases = new Leases(leaseKey);
    this.keys = new StoreKeys(leaseKey);
    this.startedAt = clock.now();
    this.#log = log;
    const settings = withDefaults(engineOptions, options);
    this.settings = settings;
    this.history = historyPolicy(settings.history);
    this.removals = new Removals(storage, clock, log, settings.retention);
    this.retentionBacklog = new RetentionBacklog(storage, clock, log);
    this.storeHealth = new StoreHealth(storage, clock, log);
    this.schemas = new Schemas(storage, clock);
    this.queues = new AllQueues(storage, clock);
    const queueBound = new QueueBound(storage, clock, this.queues, settings.maxQueues);
    this.queueBound = queueBound;
    const admit: QueueBound['admit'] = (queues) => queueBound.admit(queues);
    this.queueSettings = new QueueSettings(storage, clock, log, () => this.queues.forget());
    this.statistics = new Statistics(storage, clock);
    this.totals = new Totals(storage, clock);
    const limitOverrides = new LimitOverrides(storage, clock);
    this.limitOverrides = limitOverrides;
    this.memory = options.memory ?? memoryLimits(1_073_741_824);
    const workflows = new Workflows(storage, clock, { ...this.memory, admit }, tracing);
    const advance = (ready: readonly NodeRef[]) => workflows.advance(ready);
    this.workflows = workflows;
    const insert = { refusePaused: settings.pausedQueues === 'reject' };
    this.answers = new InFlight(this.memory.answers);
    this.requests = new InFlight(this.memory.requests);
    this.settlementRequests = new InFlight(this.memory.settlements);
    this.#batches = batches({
      storage,
      clock,
      insert,
      answers: this.answers,
      maxBytes: this.memory.answer,
      advance,
      find: async (id) => this.outboxImport?.find(id),
      admit,
      tracing,
    });
    const { inbox } = storage;
    this.outboxImport =
      inbox &&
      new OutboxImport({ inbox, batches: this.#batches, clock, schemas: this.schemas, log, insert, advance, admit });
    const { outboxImport } = this;
    const maintenance = new Maintenance(storage, clock, () => {
      this.#fetches.wake(null);
      this.upkeep.changed();
    });
    this.maintenance = maintenance;
    const suspects = new Suspects(storage, clock, (jobs) => this.giveBack(jobs));
    this.#suspects = suspects;
    this.#fetches = new Fetches({
      batches: this.#batches,
      suspects,
      storage,
      clock,
      settings,
      maintenance,
    });
    this.#settlements = new Settlements(this.#batches, clock, random, log);
    const crons = new Crons(storage, clock, log);
    this.subscriptions = new EventSubscriptions({ storage, log, kept: options.events !== false });
    const tokens = new Tokens(storage, clock);
    this.tokens = tokens;
    this.audit = new Audit(storage, clock, log, this.memory.answer);
    const workers = new Workers(storage, clock);
    this.workers = workers;
    const secrets = new WorkerSecrets(storage, clock, workers);
    this.secrets = secrets;
    this.#presence = new Presence({ storage, clock, log, workers, on: options.events !== false });
    const bulkReplies = new BulkReplies(storage, clock);
    this.bulkReplies = bulkReplies;
    const holder = uuidv7();
    const { subscriptions } = this;
    const jobLog =
      options.logJobs !== undefined && subscriptions.kept
        ? new JobLog({ storage, clock, log, subscriptions, holder, oneIn: options.logJobs })
        : null;
    this.jobLog = jobLog;
    this.upkeep = new Upkeep({
      storage,
      clock,
      random,
      log,
      telemetry,
      failed: (error) => this.storeHealth.noticed(error),
      settings,
      advance,
      retention: new RetentionPasses({
        storage,
        clock,
        retention: settings.retention,
        removals: this.removals,
        backlog: this.retentionBacklog,
        histories: new HistoryRetention(storage, clock, this.history, settings.retention),
        totals: this.totals,
      }),
      maintenance,
      holder,
      forget: ({ worker, state }) => this.forgetWorker(worker, state === 'terminate' ? 'shutdown' : 'error'),
      // Crons are checked once a second, never more often (ojs-cron §7.3).
      chores: [
        {
          name: 'crons',
          everyMs: 1_000,
          run: async () => (maintenance.on ? undefined : tracing.span('ojs.cron trigger', async () => crons.fireDue())),
        },
        ...(outboxImport === null ? [] : [{ name: 'outbox', everyMs: outboxImportMs, run: () => outboxImport.run() }]),
        { name: 'probe', everyMs: 1_000, run: () => this.storeHealth.probe() },
        { name: 'workflows', everyMs: 1_000, run: () => workflows.finish() },
        {
          name: 'empty queues',
          everyMs: emptyQueuesMs,
          run: async () => queueBound.removeEmpty(await workers.list()),
        },
        { name: 'limits', everyMs: 1_000, run: () => limitOverrides.expire() },
        // A server without tokens asks for them once the store has one.
        { name: 'tokens', everyMs: freshTokensMs, run: () => tokens.refresh() },
        { name: 'bulk replies', everyMs: forgetMs, run: () => bulkReplies.forget() },
        { name: 'bulk operations', everyMs: bulkMs, run: async () => void (await this.bulkOperations.run()) },
        { name: 'old bulk operations', everyMs: forgetBulkMs, run: () => this.bulkOperations.forget() },
        { name: 'workers', everyMs: forgetWorkersMs, run: () => workers.forgetIdle() },
        { name: 'secrets', everyMs: forgetWorkersMs, run: () => secrets.forgetIdle() },
        ...(jobLog === null ? [] : [{ name: 'job log', everyMs: jobLogMs, run: () => jobLog.tend() }]),
      ],
    });
    const help = coalesce(
      async (readers: readonly null[]) => {
        await this.upkeep.promote(readRounds);
        await this.upkeep.settleOverdue(readRounds);
        return readers;
      },
      { parallel: 1, max: Number.POSITIVE_INFINITY, split: false },
    );
    this.#help = async () => {
      await help(null);
    };
    this.crons = crons;
    this.lifecycle = new Lifecycle(this.#batches, clock);
    this.reports = new Reports(this.#batches, clock);
    this.jobEnds = new JobEnds(this.subscriptions, (id) => this.get(id));
    this.bulk = new Bulk(storage, clock, this.lifecycle, (error) => log.error({ err: error }, 'bulk item failed'));
    this.bulkOperations = new BulkOperations({
      storage,
      clock,
      batches: this.#batches,
      bulk: this.bulk,
      schemas: this.schemas,
      tokens,
      log,
      bytes: Math.min(bulkBytes, this.memory.answer),
      isManual: options.upkeep === 'manual' && options.clock !== undefined,
    });
    this.deadLetter = new DeadLetter(storage, this.queues, clock, this.lifecycle, this.bulk);
    this.explainer = new Explainer({
      storage,
      clock,
      find: (id) => this.get(id),
      workers,
      upkeep: this.upkeep,
      storeHealth: this.storeHealth,
      maintenance: this.maintenance,
      settings,
    });
    this.storeReadings = new StoreReadings({
      storage,
      queues: this.queues,
      clock,
      workers,
      totals: this.totals,
      retentionBacklog: this.retentionBacklog,
      upkeep: this.upkeep,
      deadAfterMs: settings.deadAfterMs,
    });
  }

  /**
   * Migrates the store and starts the upkeep. Throws if the store is unreachable or its layout is newer than this code.
   */
  static async start(options: EngineOptions): Promise<Engine> {
    const { storage } = options;
    const migrated = await storage.migrate();
    const own = options.clock === undefined ? new StoreClock(storage) : null;
    await own?.follow();
    const leaseKey = await storage.leaseKey();
    const telemetry = new Telemetry(await openTracing());
    const engine = new Engine(options, own ?? (options.clock as Clock), leaseKey, telemetry);
    await Promise.all([engine.tokens.refresh(), engine.maintenance.read()]);
    if (migrated.from !== migrated.to) engine.#log.info({ ...migrated }, 'store layout migrated');
    const subscription = await storage.subscribe((wakes) => {
      engine.upkeep.changed();
      for (const wake of wakes) {
        if (wake.kind === 'queue') engine.#fetches.wake(wake.queue);
        // A storage that does not know what has changed does not know whether the log has grown.
        if (wake.kind === 'events' || (wake.kind === 'queue' && wake.queue === null)) engine.subscriptions.wake();
        if (wake.kind === 'inbox' && options.upkeep !== 'manual') engine.#takeIn();
      }
    });
    engine.#stop.push(async () => subscription[Symbol.asyncDispose]());
    if (own !== null) await engine.#followClock(own);
    const { jobLog } = engine;
    if (jobLog !== null) {
      engine.#stop.push(() => jobLog.stop());
      await jobLog.tend();
    }
    if (options.upkeep !== 'manual') {
      // Without a log a delayed job of another node leaves no hint.
      engine.upkeep.start(options.events !== false);
      engine.#stop.push(() => engine.upkeep.stop());
      telemetry.lag.start();
      engine.#stop.push(async () => telemetry.lag.stop());
      if (options.storeCheck !== false) engine.storeHealth.verifyAfter(5_000);
      engine.#stop.push(() => engine.storeHealth.close());
    }
    engine.#stop.push(() => engine.bulkOperations.close());
    return engine;
  }

  /**
   * Reports steps of the clock, and one that cannot be right at the start. Which clock is wrong nobody knows: the time
   * of the store holds. Crons that were due by a wrong one are reckoned anew.
   */
  async #followClock(own: StoreClock): Promise<void> {
    const log = this.#log;
    const reckon = async () => this.crons.reckon();
    own.listen({
      seen: (by) => log.warn({ by_ms: by }, 'clock stepped'),
      followed: (by) => {
        log.warn({ by_ms: by }, 'clock step followed');
        this.upkeep.stepped(by);
        if (by < 0) reckon().catch((error: unknown) => log.error({ err: error }, 'crons not reckoned'));
      },
    });
    // An outage is one line.
    let isUnreadable = false;
    const follow = setInterval(() => {
      own.follow().then(
        () => {
          isUnreadable = false;
        },
        (error: unknown) => {
          if (!isUnreadable) log.warn({ err: error }, 'store clock unreadable');
          isUnreadable = true;
        },
      );
    }, 1_000);
    this.#stop.push(async () => clearInterval(follow));
    const now = own.now();
    if (Math.abs(own.ahead) > clockBoundMs) log.warn({ by_ms: own.ahead }, 'clocks of server and store differ');
    try {
      const newest = await newestTime(this.storage);
      if (newest > now + clockBoundMs) {
        this.storeHealth.clockBehind(newest);
        const fields = { now: new Date(now).toISOString(), newest: new Date(newest).toISOString() };
        log.error(fields, 'clock behind the store');
      }
      await reckon();
    } catch (error) {
      this.storeHealth.noticed(error);
      log.warn({ err: error }, 'clock not checked');
    }
  }

  /** After a hint. Upkeep repeats what fails here, and logs it. */
  #takeIn(): void {
    this.#hinted ??= this.outboxImport
      ?.run()
      .catch(() => {})
      .finally(() => {
        this.#hinted = undefined;
      });
  }

  /** Inserts jobs all or none (ojs-core §7.1). */
  async push(items: readonly PushItem[]): Promise<Pushed> {
    const began = performance.now();
    const pushed = await run(push(this.#batches, items));
    this.telemetry.enqueued(items, began);
    return this.#pushed(items, pushed);
  }

  /** Inserts each job by itself, in their order. */
  async pushEach(items: readonly PushItem[]): Promise<readonly PromiseSettledResult<Pushed>[]> {
    const began = performance.now();
    const inserted = await this.#batches.insertAll(items.map(({ job }) => [job]));
    this.telemetry.enqueued(items, began);
    return Promise.all(
      items.map((item, index): PromiseSettledResult<Pushed> | Promise<PromiseSettledResult<Pushed>> => {
        const one = inserted[index];
        if (one?.status === 'rejected') return one;
        const value = one === undefined ? null : pushedAtOnce([item], one.value);
        return value === null ? settled(this.#pushAgain(item, one?.value)) : { status: 'fulfilled', value };
      }),
    );
  }

  async #pushAgain(item: PushItem, first: readonly Inserted[] | undefined): Promise<Pushed> {
    return this.#pushed([item], await run(push(this.#batches, [item], 0, first)));
  }

  async #pushed(items: readonly PushItem[], pushed: Pushed): Promise<Pushed> {
    if (pushed.kind === 'refused' && pushed.why.kind === 'full')
      await this.queueSettings.rejected(pushed.why, items[pushed.index]?.job.type ?? '');
    return pushed;
  }

  /**
   * Claims jobs; with `waitMs` waits for the first. An abort ends the wait. A quiet worker gets none, and in
   * maintenance mode nobody does, but for jobs of an earlier fetch that is repeated.
   */
  async fetch(request: FetchRequest, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    const { worker } = request;
    if (worker !== null) {
      const isQuiet = this.#isQuiet(worker);
      if (isQuiet && request.request === null) return [];
      await this.secrets.enter(worker, request.secretDigest ?? null);
      if (isQuiet) return this.#fetches.repeated(request);
    }
    await this.#presence.fetching(worker, request.queues, request.count);
    const jobs = await this.#fetches.fetch(request, signal);
    return jobs.some(isSuspect) ? this.#suspects.apart(worker, jobs) : jobs;
  }

  /** Undoes claims whose answer could not be delivered; their attempts do not count. */
  giveBack(jobs: readonly JobRecord[]): Promise<void> {
    return this.#settlements.giveBack(jobs, 'undelivered');
  }

  /** ACK, FAIL and requeue (ojs-core §7.3–7.4). */
  settle(settlement: Settlement): Promise<Outcome> {
    return this.#settlements.settle(settlement);
  }

  /** ACKs of one request of a worker, each with its own outcome. */
  acknowledge(acks: readonly Ack[]): Promise<readonly PromiseSettledResult<Outcome>[]> {
    return this.#settlements.acknowledge(acks);
  }

  /** True if a worker with this id was on record: it has stopped, by itself or because of an error. */
  async forgetWorker(worker: string, reason: 'shutdown' | 'error' = 'shutdown'): Promise<boolean> {
    this.#quiet.delete(worker);
    const removed = await this.workers.remove(worker);
    await this.secrets.remove(worker);
    if (removed) await this.#presence.stopped(worker, reason);
    return removed;
  }

  /** Returns the worker's jobs, then deletes its record; false for an unknown worker. */
  async deregister(worker: string): Promise<boolean> {
    const held: JobRecord[] = [];
    const beatAt = (await this.workers.find(worker))?.beatAt ?? null;
    // Without this, deregistering each crashed process would keep a job alive that kills its workers.
    const isDead = beatAt !== null && this.clock.now() >= deadAt(beatAt, this.upkeep.since, this.settings.deadAfterMs);
    for await (const jobs of this.workers.heldBy(worker)) held.push(...jobs);
    await (isDead
      ? this.#settlements.takeBack(held, this.settings.poisonAfter)
      : this.#settlements.giveBack(held, 'deregistered'));
    return (await this.forgetWorker(worker)) || held.length > 0;
  }

  /** BEAT (ojs-core §7.5). After a worker's last heartbeat (`terminate`) the engine deletes its record. */
  async beat(beat: Beat, secretDigest: string | null = null): Promise<Beaten> {
    await this.secrets.enter(beat.worker, secretDigest);
    this.#noteState(beat);
    await this.#presence.beating(beat);
    const beaten = await this.#batches.beat(beat);
    if (isFinalBeat(beat) && (beat.openFetches?.length ?? 0) === 0) await this.#leave(beat.worker);
    return beaten;
  }

  /**
   * The worker has ended and holds nothing. A claim that is still in its name was made by a fetch that it broke off:
   * the job goes back uncounted, or it would wait for the end of its lease. Such a fetch may also wait here still.
   */
  async #leave(worker: string): Promise<void> {
    this.#fetches.leave(worker);
    for await (const jobs of this.workers.heldBy(worker)) await this.#settlements.giveBack(jobs, 'deregistered');
    await this.forgetWorker(worker);
  }

  #noteState({ worker, state }: WorkerBeat): void {
    this.#quiet.delete(worker);
    if (state === 'running') return;
    this.#quiet.set(worker, this.clock.now());
    const oldest = this.#quiet.size > maxQuiet ? this.#quiet.keys().next().value : undefined;
    if (oldest !== undefined) this.#quiet.delete(oldest);
  }

  #isQuiet(worker: string): boolean {
    const since = this.#quiet.get(worker);
    return since !== undefined && this.clock.now() - since < quietMs;
  }

  /** INFO (ojs-core §7.7): the current job, after due promotions and expiries; null for an unknown job. */
  async get(id: JobId): Promise<JobRecord | null> {
    const job = await this.#batches.get(id);
    if (job === null || !isDue(job, this.clock.now())) return job;
    await this.#help();
    return this.#batches.get(id);
  }

  /** Sets an operator's order to a worker; false if the worker has no record. */
  direct(worker: string, directive: Directive | null): Promise<boolean> {
    return this.storage.registry.direct(worker, directive);
  }

  /** Empties the store, and this node's memory of it; for tests. */
  async reset(): Promise<void> {
    await this.storage.clear();
    this.#quiet.clear();
    for (const part of [
      this.#presence,
      this.#suspects,
      this.secrets,
      this.tokens,
      this.schemas,
      this.queueSettings,
      this.queueBound,
      this.queues,
      this.statistics,
      this.totals,
      this.deadLetter,
      this.maintenance,
    ])
      part.forget();
  }

  /** Long polls answer at once from now on. A server calls this before it waits for the requests in flight. */
  drain(): void {
    this.#fetches.close();
    this.jobEnds.close();
  }

  /** Ends the upkeep and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    this.subscriptions.close();
    try {
      for (const stop of this.#stop.splice(0).reverse()) await stop();
      await this.#hinted;
      await this.workflows.settled();
    } finally {
      // Releases what keeps the process alive, even if the orderly end has failed.
      await this.storage[Symbol.asyncDispose]();
    }
  }
}

async function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([work]);
  return result;
}

/** Jobs that a bulk operation reads at once. */
const bulkBytes = 8 * 1_048_576;

/** Interval of the outbox import, in milliseconds; a hint from the storage makes it a few milliseconds. */
const outboxImportMs = 1_000;
const emptyQueuesMs = 60_000;

/** Clocks that differ by less are not worth a line. */
const clockBoundMs = 60_000;

/** The latest time of an event or job in the store, or negative infinity. */
async function newestTime(storage: Storage): Promise<Millis> {
  const { newest } = await storage.events(0, 1);
  const [events, jobs] = await Promise.all([
    newest === 0 ? null : storage.events(newest - 1, 1),
    storage.jobs.list({ states: 0xff, limit: 1 }),
  ]);
  const times = [...(events?.batches ?? []).map(({ at }) => at), ...jobs.items.map(({ createdAt }) => createdAt)];
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/** How many quiet workers a node remembers. */
const maxQuiet = 10_000;

/**
 * How long a node believes that a worker is quiet: longer than the 5 s between two heartbeats, and no more, because the
 * one that says otherwise may go to another node.
 */
const quietMs = 6_000;

/** How many pages of due work a reader does; behind a longer backlog it sees its job before that work. */
const readRounds = 5;

function isDue(job: JobRecord, now: Millis): boolean {
  if (job.state === State.active) return overdue(job, now, () => 0) !== null;
  if (job.expiresAt !== null && job.expiresAt <= now) return job.finishedAt === null;
  return (job.state === State.scheduled || job.state === State.retryable) && job.runAt <= now;
}
