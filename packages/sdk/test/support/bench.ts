import type { Transport } from '@ojs-ts/core';
import { type Embedded, type EmbeddedOptions, openEmbedded } from '@ojs-ts/server';
import { afterEach, beforeEach } from 'vitest';
import { Client, Worker, type WorkerOptions } from '../../src/index.ts';
import { Faulty } from './faulty.ts';
import { keepingLogger } from './log.ts';

/** A real engine with a client and workers on it; what the workers send goes through `wire`, which can spoil it. */
export interface Bench extends AsyncDisposable {
  readonly embedded: Embedded;
  readonly client: Client;
  readonly wire: Faulty;
  readonly logger: ReturnType<typeof keepingLogger>;
  /** @param target Default: `wire`. */
  worker(options?: WorkerOptions, target?: Transport): Worker;
}

export async function openBench(options?: EmbeddedOptions, storage = 'memory:'): Promise<Bench> {
  const embedded = await openEmbedded(storage, options);
  const wire = new Faulty(embedded);
  const logger = keepingLogger();
  const workers: Worker[] = [];
  return {
    embedded,
    client: new Client(embedded),
    wire,
    logger,
    worker(options = {}, target = wire) {
      const worker = new Worker(target, { handleSignals: false, logger, ...options });
      workers.push(worker);
      return worker;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop({ timeout: 0 })));
      await embedded[Symbol.asyncDispose]();
    },
  };
}

/** One bench for each test of the file, or of the `describe` that calls this. */
export function benchOfEachTest(): Omit<Bench, typeof Symbol.asyncDispose> {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  return {
    get embedded() {
      return bench.embedded;
    },
    get client() {
      return bench.client;
    },
    get wire() {
      return bench.wire;
    },
    get logger() {
      return bench.logger;
    },
    worker: (options, target) => bench.worker(options, target),
  };
}

/** A promise that somebody else settles. */
export function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { opened: promise, open: resolve };
}

export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
