import type { Clock, NamesOf } from '@ojs-ts/core';
import { namesOf, type OptionsOf, serverOptions, type ValuesOf } from '@ojs-ts/core/options';
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

/** The options of the server that an engine has: docs/reference/server.md describes them. */
export const engineOptions = serverOptions.engine;
export type EngineSettings = ValuesOf<typeof engineOptions>;
export type Retention = EngineSettings['retention'];

export interface EngineOptions extends OptionsOf<typeof engineOptions> {
  readonly storage: Storage;
  /** Default: the system's clock, kept at the store's time. */
  readonly clock?: Clock;
  /** For jitter; in [0, 1). */
  readonly random?: () => number;
  readonly log?: EngineLog;
  /** Logs the lifecycle of one in so many jobs, from the event log. Default: of none. */
  readonly logJobs?: number;
  /** False if the storage was opened with `events: false`: nothing can be followed, and workers make no events. */
  readonly events?: boolean;
  /**
   * False leaves out the look for damage in the store's file (SQLite), which begins 5 s after the start. Default true.
   */
  readonly storeCheck?: boolean;
  /**
   * The most data in flight at once, in bytes. Default of an engine: that of a heap of 1 GiB; of a server: by its heap.
   */
  readonly memory?: MemoryLimits;
  /** `timer` (default) runs the upkeep in the background; with `manual` only `Engine.upkeep.run()` does. */
  readonly upkeep?: 'timer' | 'manual';
}

/** Besides the storage. */
export const engineNames: NamesOf<Omit<EngineOptions, 'storage'>> = {
  ...namesOf(engineOptions),
  clock: true,
  random: true,
  log: true,
  logJobs: true,
  events: true,
  storeCheck: true,
  memory: { answer: true, answers: true, requests: true, settlements: true, values: true, streams: true },
  upkeep: true,
};
