import type { Transport } from '@ojs-ts/core';
import type { HttpOptions } from '../transport/http.ts';
import type { TlsOptions } from '../transport/tls.ts';
import type { HeartbeatListener, HeartbeatPlan, HeartbeatThread } from '../worker/heartbeat-plan.ts';

/** A process signal as workers understand it. */
export type ProcessSignal = 'SIGTERM' | 'SIGINT' | 'SIGTSTP' | 'SIGCONT';

/** The process that a worker runs in. */
export interface PlatformProcess {
  readonly hostname: string;
  readonly pid: number;
  /** Calls `receive` for process signals until the returned function is called. */
  onSignals(receive: (signal: ProcessSignal) => void): () => void;
  exit(code: number): void;
}

/** What differs between Node and everything else; `package.json` chooses by its `imports`. */
export interface Platform {
  /** Absent where there is none, such as in a browser. */
  readonly environment?: Environment;
  /**
   * TLS settings for a connection to this URL, those of the environment too; undefined for the platform's own.
   * @throws {OJSValidationError} for settings that `httpTransport` cannot heed.
   */
  tlsFor(options: TlsOptions | undefined, base: URL, ownFetch: boolean): TlsOptions | undefined;
  /** HTTP by the fetch that the options name, else by the fastest means that the platform has. */
  httpTransport(options: HttpOptions): Transport;
  /** Absent where there are none, such as in a browser. */
  readonly process?: PlatformProcess;
  /** A thread for heartbeats, where there are threads. */
  startHeartbeats?(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread;
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/** What the environment says; an empty variable counts as unset. Code wins over it, and it over the default (SDK-009). All but `text` throw OJSValidationError by the variable's name. */
export interface Environment {
  text(name: string): string | undefined;
  url(): URL | undefined;
  token(): string | undefined;
  queue(): string | undefined;
  logLevel(): LogLevel | undefined;
}
