import type { QueryClient } from '@tanstack/react-query';
import { sessionEnded } from '../api/client.ts';
import { storeOf } from '../store.ts';
import { connect } from './connection.ts';
import type { LiveState } from './stream.ts';
import { merge, nothing, type Summary } from './summary.ts';

/** Between two refreshes of the answers on a page, in milliseconds. */
const refreshMs = 1_000;

interface Live {
  readonly state: LiveState;
  /** When events were missed; the page then asks for everything again. */
  readonly gapAt: number | null;
}

const live = storeOf<Live>({ state: 'connecting', gapAt: null });
export const useLive = live.useValue;
const listeners = new Set<(summary: Summary) => void>();
let reconnect: () => void = () => {};

function change(next: Partial<Live>): void {
  live.set({ ...live.get(), ...next });
}

declare module '@tanstack/react-query' {
  interface Register {
    queryMeta: { readonly live?: (summary: Summary) => boolean };
  }
}

/** Asks again for the answers that the events change: at once, then at most once a second. */
export function startLive(client: QueryClient): void {
  let waiting: Summary = nothing;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = (): void => {
    timer = null;
    if (waiting.count === 0 && !waiting.gap) return;
    const summary = waiting;
    waiting = nothing;
    void client.invalidateQueries({ predicate: ({ meta }) => meta?.live?.(summary) ?? false });
    timer = setTimeout(flush, refreshMs);
  };
  let wasOffline = false;
  reconnect = connect({
    state: (state) => {
      change({ state });
      if (state === 'offline') wasOffline = true;
      // Calls that failed while the stream was broken are repeated; those with a change follow by its summary.
      if (state === 'live' && wasOffline) {
        wasOffline = false;
        void client.invalidateQueries({ predicate: ({ state: { status } }) => status === 'error' });
      }
      // The server may have cut the stream of a token that was revoked.
      if (state === 'refused') sessionEnded.dispatchEvent(new Event('ended'));
    },
    summary: (summary) => {
      if (summary.gap) change({ gapAt: Date.now() });
      for (const listener of listeners) listener(summary);
      waiting = merge(waiting, summary);
      if (timer === null) flush();
    },
  });
}

/** After a login. */
export function reconnectLive(): void {
  reconnect();
}

/** Every summary, for charts that move with the events. The result stops it. */
export function onSummary(listener: (summary: Summary) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function dismissGap(): void {
  change({ gapAt: null });
}
