import type { Transport } from '@ojs-ts/core';
import type { HttpOptions } from '../transport/http.ts';
import type { TlsOptions } from '../transport/tls.ts';
import type { HeartbeatListener, HeartbeatPlan, HeartbeatThread } from '../worker/leases/heartbeat-thread.ts';
import type { Load } from '../worker/leases/shared-load.ts';

/** A process signal that workers handle. */
export type ProcessSignal = 'SIGTERM' | 'SIGINT' | 'SIGTSTP' | 'SIGCONT';

/** The process that a worker runs in. */
export interface PlatformProcess {
  readonly hostname: string;
  readonly pid: number;
  /** Calls `receive` for process signals until the returned function is called. */
  onSignals(receive: (signal: ProcessSignal) => void): () => void;
  exit(code: number): void;
}

/** Measures what this process uses. */
export interface LoadMeter {
  /** With the longest delay of the event loop since the reading before the last one. */
  read(): Load;
  stop(): void;
}

/** A value that follows the asynchronous calls of the code that it was set for. */
export interface AsyncStorage<T> {
  run<R>(value: T, work: () => R): R;
  getStore(): T | undefined;
}

/** The differences between Node and other platforms. `imports` in `package.json` chooses the platform. */
export interface Platform {
  /** Absent without an environment, such as in a browser. */
  readonly environment?: Environment;
  /**
   * TLS settings of a connection to this URL, from the options and the environment; undefined for those of the
   * platform.
   * @throws {OJSValidationError} for settings that `httpTransport` cannot apply.
   */
  tlsFor(options: TlsOptions | undefined, base: URL, ownFetch: boolean): TlsOptions | undefined;
  /** HTTP by the `fetch` of the options, else by the fastest client of the platform. */
  httpTransport(options: HttpOptions): Transport;
  /** Absent without processes, such as in a browser. */
  readonly process?: PlatformProcess;
  /** Starts the heartbeat thread. Absent without threads. */
  startHeartbeats?(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread;
  /** Absent where no value can follow asynchronous calls. */
  asyncStorage?<T>(): AsyncStorage<T>;
  /** Absent, and null, where the load cannot be measured. */
  startLoadMeter?(): LoadMeter | null;
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/**
 * The environment variables. An empty one counts as unset. Options win over variables (ojs-sdk-guidelines, SDK-009).
 * All methods but `text` throw OJSValidationError for a wrong value.
 */
export interface Environment {
  text(name: string): string | undefined;
  url(): URL | undefined;
  /** The server of `ojs dev` in the working folder; null without one. @throws {NoDevServer} if it does not run now. */
  devServer(): URL | null;
  token(): string | undefined;
  queue(): string | undefined;
  logLevel(): LogLevel | undefined;
}
