import { type Clock, type Millis, uuidv7 } from '@ojs-ts/core';
import { Bulk } from '@ojs-ts/core/bulk';
import { Crons } from '@ojs-ts/core/cron';
import { DeadLetter, Reports } from '@ojs-ts/core/handlers';
import { Leases, type NodeRef } from '@ojs-ts/core/job';
import { type HistoryPolicy, historyPolicy, Lifecycle } from '@ojs-ts/core/lifecycle';
import { withDefaults } from '@ojs-ts/core/options';
import { EventSubscriptions } from '../realtime/log/event-subscriptions.ts';
import { JobEnds } from '../realtime/log/job-ends.ts';
import { JobLog, jobLogMs } from '../realtime/log/job-log.ts';
import type { Storage } from '../storage/storage.ts';
import { Audit } from './access/audit.ts';
import { deriveKey } from './access/token-text.ts';
import { freshTokensMs, Tokens } from './access/tokens.ts';
import { type Batches, batches } from './batches.ts';
import { BulkOperations, bulkMs, forgetBulkMs } from './bulk/bulk-operations.ts';
import { InFlight } from './in-flight.ts';
import { BulkReplies, forgetMs } from './jobs/bulk-replies.ts';
import { Explainer } from './jobs/explain.ts';
import { Fetches } from './jobs/fetch.ts';
import { Jobs } from './jobs/jobs.ts';
import { OutboxImport } from './jobs/outbox-import.ts';
import { Searches } from './jobs/searches.ts';
import { Settlements } from './jobs/settlement.ts';
import { Suspects } from './jobs/suspects.ts';
import { KeyedMutex } from './keyed-mutex.ts';
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
import { Children } from './steps/children.ts';
import { OlderWorkers } from './steps/older-workers.ts';
import { StepRecords, sweepMs } from './steps/step-records.ts';
import { measured } from './telemetry/measured-storage.ts';
import { StoreReadings } from './telemetry/store-reading.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { openTracing } from './telemetry/tracing.ts';
import { watchClock } from './upkeep/clock-watch.ts';
import { HistoryRetention } from './upkeep/history-retention.ts';
import { Removals } from './upkeep/removals.ts';
import { RetentionPasses } from './upkeep/retention.ts';
import { RetentionBacklog } from './upkeep/retention-backlog.ts';
import { StoreClock } from './upkeep/store-clock.ts';
import { StoreHealth } from './upkeep/store-health.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import { Presence } from './workers/presence.ts';
import { WorkerSecrets } from './workers/secrets.ts';
import { WorkerProtocol } from './workers/worker-protocol.ts';
import { forgetWorkersMs, Workers } from './workers/workers.ts';
import { ParentResults } from './workflows/parent-results.ts';
import { Workflows } from './workflows/workflows.ts';

/**
 * The operations of ojs-core §7 on a storage: {@link Jobs} inserts and reads jobs, {@link WorkerProtocol} serves
 * workers, and the other parts are for operators and the upkeep. This class makes the parts, starts them and ends them.
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
  readonly deriveKey: (purpose: string) => Buffer;
  /** The content of a job's history, and how long it is kept. */
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
  readonly parents: ParentResults;
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
  /** Inserts jobs and reads one. */
  readonly jobs: Jobs;
  /** The calls of workers. */
  readonly protocol: WorkerProtocol;
  /** Rows of durable steps. */
  readonly steps: StepRecords;
  readonly children: Children;
  readonly workers: Workers;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly secrets: WorkerSecrets;
  readonly #batches: Batches;
  readonly #fetches: Fetches;
  readonly #stop: (() => Promise<void>)[] = [];
  readonly #log: EngineLog;
  #hinted: Promise<void> | undefined;

  private constructor(options: EngineOptions, clock: Clock, leaseKey: string, telemetry: Telemetry) {
    const { random = Math.random, log = silentLog } = options;
    const { tracing } = telemetry;
    const storage = measured(options.storage, telemetry);
    this.storage = storage;
    this.telemetry = telemetry;
    this.clock = clock;
    this.leases = new Leases(leaseKey);
    this.deriveKey = (purpose) => deriveKey(leaseKey, purpose);
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
    const workflows = new Workflows(
      storage,
      clock,
      { ...this.memory, admit, ended: (workflow, state) => this.children.ended(workflow, state) },
      tracing,
    );
    const advance = (ready: readonly NodeRef[]) => workflows.advance(ready);
    this.workflows = workflows;
    this.parents = new ParentResults(storage, this.memory.answer);
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
    this.steps = new StepRecords({
      ...{ storage, batches: this.#batches, clock, telemetry, log },
      defaultLeaseMs: settings.visibilityMs,
    });
    this.children = new Children({
      ...{ storage, clock, steps: this.steps, leases: this.leases },
      cancel: (id) => workflows.cancel(id),
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
    const suspects = new Suspects(storage, clock, (jobs) => this.protocol.giveBack(jobs));
    this.#fetches = new Fetches({ batches: this.#batches, suspects, storage, clock, settings, maintenance });
    const crons = new Crons(storage, clock, log);
    this.subscriptions = new EventSubscriptions({ storage, log, kept: options.events !== false });
    const tokens = new Tokens(storage, clock);
    this.tokens = tokens;
    this.audit = new Audit(storage.records, clock, log, this.memory.answer);
    const workers = new Workers(storage, clock);
    this.workers = workers;
    const secrets = new WorkerSecrets(storage, clock, workers);
    this.secrets = secrets;
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
        audit: this.audit.entries,
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
      forget: ({ worker, state }) => this.protocol.remove(worker, state === 'terminate' ? 'shutdown' : 'error'),
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
        { name: 'children', everyMs: 1_000, run: () => this.children.tend() },
        { name: 'undo', everyMs: 1_000, run: () => this.steps.undo() },
        { name: 'mail', everyMs: sweepMs, run: () => this.steps.sweep() },
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
    this.jobs = new Jobs({
      batches: this.#batches,
      clock,
      telemetry,
      queueSettings: this.queueSettings,
      upkeep: this.upkeep,
    });
    this.protocol = new WorkerProtocol({
      storage,
      parents: this.parents,
      batches: this.#batches,
      clock,
      fetches: this.#fetches,
      settlements: new Settlements({ batches: this.#batches, steps: this.steps, clock, random, log }),
      suspects,
      olderWorkers: new OlderWorkers(this.#batches, clock, log),
      presence: new Presence({ storage, clock, log, workers, on: options.events !== false }),
      workers,
      secrets,
      upkeep: this.upkeep,
      settings,
    });
    this.crons = crons;
    this.lifecycle = new Lifecycle(this.#batches, clock);
    const reports = new KeyedMutex();
    this.reports = new Reports(this.#batches, clock, (id, work) => reports.run(id, work));
    this.jobEnds = new JobEnds(this.subscriptions, (id) => this.jobs.get(id));
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
    this.deadLetter = new DeadLetter({ store: storage, queues: this.queues, clock, freshMs: 5_000 });
    this.explainer = new Explainer({
      storage,
      clock,
      find: (id) => this.jobs.get(id),
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
    if (own !== null) {
      const { crons, upkeep, storeHealth } = engine;
      const log = engine.#log;
      engine.#stop.push(await watchClock(own, { storage: engine.storage, log, crons, upkeep, storeHealth }));
    }
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

  /** After a hint. Upkeep repeats what fails here, and logs it. */
  #takeIn(): void {
    this.#hinted ??= this.outboxImport
      ?.run()
      .catch(() => {})
      .finally(() => {
        this.#hinted = undefined;
      });
  }

  /** Empties the store, and this node's memory of it; for tests. */
  async reset(): Promise<void> {
    await this.storage.clear();
    for (const part of [
      this.protocol,
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

/** Jobs that a bulk operation reads at once. */
const bulkBytes = 8 * 1_048_576;

/** Interval of the outbox import, in milliseconds; a hint from the storage makes it a few milliseconds. */
const outboxImportMs = 1_000;
const emptyQueuesMs = 60_000;

/** The parts of an engine that one topic needs. */
export type Parts<Name extends keyof Engine> = Pick<Engine, Name>;
