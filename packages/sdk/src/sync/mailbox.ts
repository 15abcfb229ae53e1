import type { Answer, Call } from '@ojs-ts/core';
import type { TlsOptions } from '../transport/tls.ts';

/** The facts about the server that the thread needs. */
export interface ThreadPlan {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  readonly cells: SharedArrayBuffer;
}

export type ToThread =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly call: Call;
      readonly requestId?: string;
      readonly token?: string;
    }
  /** The caller no longer waits for the pending call. */
  | { readonly kind: 'give up' };

export interface FromThread {
  readonly id: number;
  readonly outcome: { readonly answer: Answer } | { readonly failure: string };
}

/** Numbers that both threads share, by their index. */
export const cell = {
  /** Grows with every message to the caller's thread, which sleeps on it. */
  mail: 0,
  /** Grows while the other thread's event loop runs. */
  pulse: 1,
  /** 1 once the other thread has ended. */
  ended: 2,
} as const;

export const cellsSize = 3 * Int32Array.BYTES_PER_ELEMENT;
export const pulseMs = 250;
