import type { Summary } from './summary.ts';

export type LiveState = 'connecting' | 'live' | 'paused' | 'offline' | 'refused';

export interface Listener {
  readonly summary: (summary: Summary) => void;
  readonly state: (state: LiveState) => void;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** No right to it, no such stream, or a server without a log of events (422): another attempt would change nothing. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 422]);

/**
 * Follows the summaries of the server, and connects again after a break from where it was. Stopped and started again,
 * it asks for what it has missed.
 */
export class SummaryStream {
  readonly #address: string;
  readonly #listener: Listener;
  #lastId = '';
  #connected: AbortController | null = null;

  constructor(address: string, listener: Listener) {
    this.#address = address;
    this.#listener = listener;
  }

  start(): void {
    if (this.#connected !== null) return;
    const connected = new AbortController();
    this.#connected = connected;
    void this.#follow(connected.signal);
  }

  stop(): void {
    this.#connected?.abort();
    this.#connected = null;
    this.#listener.state('paused');
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      this.#listener.state('connecting');
      try {
        const response = await fetch(this.#address, {
          headers: { accept: 'text/event-stream', ...(this.#lastId !== '' && { 'last-event-id': this.#lastId }) },
          credentials: 'same-origin',
          cache: 'no-store',
          signal,
        });
        if (refusals.has(response.status)) {
          this.#listener.state('refused');
          return;
        }
        if (response.ok && response.body !== null) {
          this.#listener.state('live');
          pauseMs = firstPauseMs;
          await this.#read(response.body);
        }
      } catch {
        // No answer, or a connection that broke: the next attempt shows which.
      }
      if (signal.aborted) return;
      this.#listener.state('offline');
      await pause(pauseMs, signal);
    }
  }

  async #read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = '';
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) this.#frame(frame);
    }
  }

  #frame(frame: string): void {
    let event = '';
    let data = '';
    for (const line of frame.split('\n')) {
      const [, name, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name === 'id') this.#lastId = value;
      if (name === 'event') event = value;
      if (name === 'data') data += value;
    }
    if (event !== 'summary' || data === '') return;
    const summary: Summary = JSON.parse(data);
    if (summary.count > 0 || summary.gap) this.#listener.summary(summary);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
