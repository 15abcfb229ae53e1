/// <reference lib="webworker" />
import type { FromHub, ToHub } from './connection.ts';
import { type LiveState, SummaryStream } from './stream.ts';

/**
 * The shared worker of all tabs: one connection for a browser, however many tabs are open. No tab visible, no
 * connection.
 */
declare const self: SharedWorkerGlobalScope;

/** A tab that said nothing for so long has crashed; visible ones say so every 15 s. */
const silentMs = 60_000;

const tabs = new Map<MessagePort, { visible: boolean; seenAt: number }>();
let stream: SummaryStream | null = null;
let state: LiveState = 'connecting';

function tell(message: FromHub): void {
  for (const port of tabs.keys()) port.postMessage(message);
}

function follow(address: string): void {
  stream ??= new SummaryStream(address, {
    summary: (summary) => tell({ summary }),
    state: (next) => {
      state = next;
      tell({ state });
    },
  });
  const now = Date.now();
  for (const [port, { visible, seenAt }] of tabs) if (visible && now - seenAt > silentMs) tabs.delete(port);
  if ([...tabs.values()].some(({ visible }) => visible)) stream.start();
  else stream.stop();
}

self.addEventListener('connect', ({ ports: [port] }) => {
  if (port === undefined) return;
  port.addEventListener('message', ({ data }: MessageEvent<ToHub>) => {
    if (data.gone) tabs.delete(port);
    else tabs.set(port, { visible: data.visible, seenAt: Date.now() });
    if (data.again && state === 'refused') stream = null;
    follow(data.address);
    port.postMessage({ state } satisfies FromHub);
  });
  port.start();
});
