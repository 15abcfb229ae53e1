import type { Wire } from '../../json.ts';
import type { TlsOptions } from '../../transport/tls.ts';
import type { About, Listed, ReportedState } from './heartbeat-message.ts';

/** The whole input of a heartbeat thread; it must survive a structured clone. */
export interface HeartbeatPlan {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly about: About;
  /** Between two heartbeats. */
  readonly everyMs: number;
  /** The longest wait for an answer. */
  readonly answerMs: number;
  /** An event loop that was blocked for so long gets no heartbeats any more. */
  readonly maxBlockedS: number;
  /** The memory of {@link SharedLeases}. */
  readonly leases: SharedArrayBuffer;
  /** The memory of {@link SharedLoad}; absent if the load cannot be measured. */
  readonly load: SharedArrayBuffer | undefined;
}

/** A message of the thread. */
export type HeartbeatNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'silent'; readonly blockedS: number }
  | {
      readonly kind: 'answered';
      readonly state: ReportedState;
      readonly listed: readonly Listed[];
      readonly answer: Wire;
      /** Wall clock, milliseconds. */
      readonly at: number;
    };

/** A message of the process to its thread. A worker has a number, because all workers share the thread. */
export type HeartbeatOrder =
  | { readonly kind: 'start'; readonly worker: number; readonly plan: HeartbeatPlan }
  | { readonly kind: 'stop'; readonly worker: number };

/** The thread's report about a worker. */
export interface HeartbeatReport {
  readonly worker: number;
  readonly news: HeartbeatNews | { readonly kind: 'stopped' } | { readonly kind: 'refused'; readonly error: string };
}

/** The heartbeats of one worker. */
export interface HeartbeatThread {
  /** Resolves when no heartbeat of the worker is in flight any more. */
  stop(): Promise<void>;
}

export interface HeartbeatListener {
  news(news: HeartbeatNews): void;
  /** The thread is no more, for whatever reason but `stop()`. */
  gone(error: unknown): void;
}
