import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';
import { openStorage } from '@ojs-ts/server';
import { jobType } from '../payload.ts';
import { peakRssBytes, rssBytes } from '../process.ts';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';
import { Fixture, firstQueue } from './fixture.ts';

/** A worker that gets nothing for so long gets nothing more. */
const stallMs = 30_000;

export interface MemoryFigure {
  /** Of the `ojs serve` process, in bytes. */
  readonly started: number;
  readonly idled: number;
  readonly worked: number;
  readonly peak: number;
}

export interface MemoryOptions {
  readonly storage: string;
  /** Jobs that wait in the store before the server starts. */
  readonly waiting: number;
  readonly idleMs: number;
  /** Jobs that a worker then takes over HTTP. */
  readonly handled: number;
}

/** What a server needs on a store that is full. */
export async function measureMemory({ storage, waiting, idleMs, handled }: MemoryOptions): Promise<MemoryFigure> {
  await using store = await freshStore(storage);
  {
    await using filled = await openStorage(store.storage);
    await (await Fixture.open(filled)).insert(waiting);
  }
  await using server = await startServer(store.storage);
  const started = rssBytes(server.pid);
  await pause(idleMs);
  const idled = rssBytes(server.pid);
  await handle(server.url, handled);
  return { started, idled, worked: rssBytes(server.pid), peak: peakRssBytes(server.pid) };
}

async function handle(url: string, count: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let calls = 0;
  let seen = 0;
  const stalled = setInterval(() => {
    if (calls === seen)
      reject(new Error(`no handler was called for ${stallMs / 1_000} s after ${calls} of ${count} jobs`));
    seen = calls;
  }, stallMs);
  const worker = new Worker(url, { queues: [firstQueue], concurrency: 100, handleSignals: false });
  worker.register(jobType, () => {
    calls++;
    if (calls === count) resolve();
  });
  const running = worker.start();
  const ended = running.then(() => {
    throw new Error(`the worker stopped after ${calls} of ${count} jobs`);
  });
  // Whoever loses the race may reject later, when nobody listens.
  ended.catch(() => {});
  try {
    await Promise.race([promise, ended]);
  } finally {
    clearInterval(stalled);
    await worker.stop();
  }
  await running;
}
