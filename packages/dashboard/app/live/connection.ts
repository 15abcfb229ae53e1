import { apiRoot } from '../api/roots.ts';
import hubAddress from './hub.ts?worker&url';
import { scriptAddress } from './script-address.ts';
import { type Listener, type LiveState, SummaryStream } from './stream.ts';
import type { Summary } from './summary.ts';

/** A message of a tab to the shared worker. */
export interface ToHub {
  readonly address: string;
  readonly visible: boolean;
  readonly gone: boolean;
  /** A login since the last message: what was refused may not be refused now. */
  readonly again: boolean;
}

export interface FromHub {
  readonly summary?: Summary;
  readonly state?: LiveState;
}

const address = new URL('ojs/v1/admin/events/summaries', apiRoot).href;
const saysEveryMs = 15_000;

/** Connects this tab; a hidden tab needs nothing. The result connects again after a login. */
export function connect(listener: Listener): () => void {
  return 'SharedWorker' in globalThis ? throughHub(listener) : alone(listener);
}

function throughHub(listener: Listener): () => void {
  const { port } = new SharedWorker(scriptAddress(hubAddress), { type: 'module', name: address });
  const say = (message: Partial<ToHub> = {}): void =>
    port.postMessage({
      address,
      visible: document.visibilityState === 'visible',
      gone: false,
      again: false,
      ...message,
    } satisfies ToHub);
  port.addEventListener('message', ({ data }: MessageEvent<FromHub>) => {
    if (data.state !== undefined) listener.state(data.state);
    if (data.summary !== undefined && document.visibilityState === 'visible') listener.summary(data.summary);
  });
  port.start();
  say();
  document.addEventListener('visibilitychange', () => say());
  addEventListener('pagehide', () => say({ gone: true }));
  addEventListener('pageshow', () => say());
  setInterval(() => {
    if (document.visibilityState === 'visible') say();
  }, saysEveryMs);
  return () => say({ again: true });
}

function alone(listener: Listener): () => void {
  const stream = new SummaryStream(address, listener);
  const follow = (): void => (document.visibilityState === 'visible' ? stream.start() : stream.stop());
  follow();
  document.addEventListener('visibilitychange', follow);
  return () => {
    stream.stop();
    follow();
  };
}
