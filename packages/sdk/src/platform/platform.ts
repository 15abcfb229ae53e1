import type { Transport } from '@ojs-ts/core';
import type { HttpOptions } from '../transport/http.ts';
import type { TlsOptions } from '../transport/tls.ts';
import type { HeartbeatListener, HeartbeatPlan, HeartbeatThread } from '../worker/heartbeat-plan.ts';

/** A process signal as workers understand it. */
export type ProcessSignal = 'SIGTERM' | 'SIGINT' | 'SIGTSTP' | 'SIGCONT';

/** What differs between Node and everything else; `package.json` chooses by its `imports`. */
export interface Platform {
  env(name: string): string | undefined;
  readonly hostname: string;
  readonly pid: number;
  /** TLS settings as `httpTransport` heeds them, those of the environment too; absent where it heeds none. @throws {OJSValidationError} */
  readTls?(options: TlsOptions | undefined): TlsOptions | undefined;
  /** HTTP by the fastest means that the platform has. */
  httpTransport(options: HttpOptions): Transport;
  /** Calls `receive` for process signals until the returned function is called; does nothing where there are none. */
  onSignals(receive: (signal: ProcessSignal) => void): () => void;
  exit(code: number): void;
  /** A thread for heartbeats, where there are threads. */
  startHeartbeats?(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread;
}
