import type { Wire } from '../../json.ts';
import type { TlsOptions } from '../../transport/tls.ts';
import type { About, Listed, ReportedState } from './heartbeat-message.ts';

/** All that a heartbeat thread is told; it must survive a structured clone. */
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
  /** An event loop that stood still for so long gets no heartbeats any more. */
  readonly maxBlockedS: number;
  /** Of {@link SharedLeases}. */
  readonly leases: SharedArrayBuffer;
  /** Of {@link SharedLoad}; absent where the load cannot be measured. */
  readonly load: SharedArrayBuffer | undefined;
}

/** What the thread says. */
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

/** What the process asks of its thread. A worker has a number, because all workers share the thread. */
export type HeartbeatOrder =
  | { readonly kind: 'start'; readonly worker: number; readonly plan: HeartbeatPlan }
  | { readonly kind: 'stop'; readonly worker: number };

/** What the thread says of a worker. */
export interface HeartbeatReport {
  readonly worker: number;
  readonly news: HeartbeatNews | { readonly kind: 'stopped' } | { readonly kind: 'refused'; readonly error: string };
}

/** The heartbeats of one worker. */
export interface HeartbeatThread {
  /** Resolves when no heartbeat of the worker is under way any more. */
  stop(): Promise<void>;
}

export interface HeartbeatListener {
  news(news: HeartbeatNews): void;
  /** The thread is no more, for whatever reason but `stop()`. */
  gone(error: unknown): void;
}
