import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';
import { startLoad } from './loading.ts';
import { type Sample, takeSample } from './sample.ts';

const collect = fileURLToPath(new URL('./collect.ts', import.meta.url));

export interface SoakOptions {
  readonly storage: string;
  readonly samples: number;
  /** Seconds from one sample to the next. */
  readonly every: number;
  /** Jobs a second. */
  readonly rate: number;
  /** Finished jobs that the server keeps; its events are kept for as long as so many jobs take. */
  readonly keep: number;
  readonly workers: number;
  readonly onSample?: (sample: Sample) => void;
}

export interface Soak {
  readonly settings: string;
  readonly samples: readonly Sample[];
  /** Where the store's size comes from, at the end; largest first. */
  readonly details: readonly string[];
}

/** `ojs serve`, a producer and workers, each in a process of its own, under a steady load. */
export async function soak({
  storage,
  samples: count,
  every,
  rate,
  keep,
  workers: number,
  onSample,
}: SoakOptions): Promise<Soak> {
  await using store = await freshStore(storage);
  const env = { OJS_RETAIN_COUNT: String(keep), OJS_RETAIN_EVENTS: `${Math.max(1, Math.ceil(keep / rate))}s` };
  await using server = await startServer(store.storage, { env, preload: collect });
  const { url } = server;
  await using stack = new AsyncDisposableStack();
  const workers = await Promise.all(
    Array.from({ length: number }, async () => stack.use(await startLoad({ kind: 'worker', url }))),
  );
  const producer = stack.use(await startLoad({ kind: 'producer', url, perSecond: rate }));
  const from = performance.now();
  const samples: Sample[] = [];
  for (let index = 1; index <= count; index++) {
    await pause(Math.max(0, from + index * every * 1_000 - performance.now()));
    const seconds = (performance.now() - from) / 1_000;
    const done = await Promise.all(workers.map((worker) => worker.progress()));
    const sample = await takeSample(seconds, server, store, await producer.progress(), done);
    samples.push(sample);
    onSample?.(sample);
  }
  return { settings: store.settings, samples, details: await store.details() };
}
