import type { Clock, HistoryOptions, Millis, NamesOf } from '@ojs-ts/core';
import type { Storage } from '../storage/storage.ts';
import type { MemoryLimits } from './memory-limits.ts';

/** Log lines of the engine. Fields are structured and never have args of a job. */
export interface EngineLog {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: EngineLog = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export interface EngineOptions {
  readonly storage: Storage;
  /** Default: the system's clock, kept at the store's time. */
  readonly clock?: Clock;
  /** For jitter; in [0, 1). */
  readonly random?: () => number;
  readonly log?: EngineLog;
  /** Logs the lifecycle of one in so many jobs, from the event log. Default: of none. */
  readonly logJobs?: number;
  /**
   * Lease of a job if neither the fetch nor the job has one, in milliseconds. Default 1,800,000 (ojs-worker-protocol
   * §5.2).
   */
  readonly visibilityMs?: number;
  /**
   * A worker that has sent heartbeats is dead after so long without one, in milliseconds. Default 30,000
   * (ojs-worker-protocol §10).
   */
  readonly deadAfterMs?: number;
  /**
   * True if every new claim requires its lease, not only the claims of fetches with `leases`. Clients that do not send
   * `x_lease` back cannot work then. Default false.
   */
  readonly requireLease?: boolean;
  /** How many workers may die while they run a job, until the job is discarded as their cause. Default 3. */
  readonly poisonAfter?: number;
  /** The most queues that enqueued jobs create. Default 10,000. */
  readonly maxQueues?: number;
  /** The effect of an enqueue into a paused queue: `accept` (default), or `reject` with `queue_paused`. */
  readonly pausedQueues?: 'accept' | 'reject';
  readonly retention?: Partial<Retention>;
  /** What `GET /jobs/:id/history` tells, and for how long. */
  readonly history?: Partial<HistoryOptions>;
  /** False if the storage was opened with `events: false`: nothing can be followed, and workers make no events. */
  readonly events?: boolean;
  /**
   * False leaves out the look for damage in the store's file (SQLite), which begins 5 s after the start. Default true.
   */
  readonly storeCheck?: boolean;
  /**
   * What may be on its way at once, in bytes. Default of an engine: that of a heap of 1 GiB; of a server: by its heap.
   */
  readonly memory?: MemoryLimits;
  /** `timer` (default) runs the upkeep in the background; with `manual` only `Engine.upkeep.run()` does. */
  readonly upkeep?: 'timer' | 'manual';
}

export interface Retention {
  /** How long finished jobs stay, and how many of the newest of each state; the stricter rule removes them. */
  readonly completedMs: Millis;
  readonly cancelledMs: Millis;
  readonly discardedMs: Millis;
  readonly keep: number;
  /** The same for discarded jobs in the dead letter. */
  readonly deadLetterMs: Millis;
  readonly keepDeadLetters: number;
  readonly eventsMs: Millis;
  readonly keepEvents: number;
  /** How long ended workflows stay, and how many of the newest. */
  readonly workflowsMs: Millis;
  readonly keepWorkflows: number;
  readonly statisticsMs: Millis;
  /** How long entries of the audit log stay, and how many of the newest. */
  readonly auditMs: Millis;
  readonly keepAudit: number;
}

const retentionNames: NamesOf<Retention> = {
  completedMs: true,
  cancelledMs: true,
  discardedMs: true,
  keep: true,
  deadLetterMs: true,
  keepDeadLetters: true,
  eventsMs: true,
  keepEvents: true,
  workflowsMs: true,
  keepWorkflows: true,
  statisticsMs: true,
  auditMs: true,
  keepAudit: true,
};

const historyNames: NamesOf<HistoryOptions> = {
  enabled: true,
  retentionDays: true,
  maxEventsPerJob: true,
  rules: true,
};

/** Besides the storage. */
export const engineNames: NamesOf<Omit<EngineOptions, 'storage'>> = {
  clock: true,
  random: true,
  log: true,
  logJobs: true,
  visibilityMs: true,
  deadAfterMs: true,
  requireLease: true,
  poisonAfter: true,
  maxQueues: true,
  pausedQueues: true,
  retention: retentionNames,
  history: historyNames,
  events: true,
  storeCheck: true,
  memory: { answer: true, answers: true, requests: true, settlements: true, values: true, streams: true },
  upkeep: true,
};

export const defaultMaxQueues = 10_000;

const day = 86_400_000;

/** Seven days or the newest 1,000,000 (ojs-events §9.3 for events); discarded jobs 30 days. */
export const defaultRetention: Retention = {
  completedMs: 7 * day,
  cancelledMs: 7 * day,
  discardedMs: 30 * day,
  keep: 1_000_000,
  deadLetterMs: 180 * day,
  keepDeadLetters: 10_000,
  eventsMs: 7 * day,
  keepEvents: 1_000_000,
  workflowsMs: 7 * day,
  keepWorkflows: 100_000,
  statisticsMs: 7 * day,
  auditMs: 365 * day,
  keepAudit: 100_000,
};
