import nodeCrypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import nodeTimers from 'node:timers';
import timersPromises from 'node:timers/promises';
import threads from 'node:worker_threads';
import { real } from './real.ts';
import { timers } from './timers.ts';
import { here, inside } from './world.ts';

type Done = (error: Error | null, value?: unknown) => void;

/** How often random bytes were drawn. */
export const draws = { count: 0 };

/**
 * Replaces every source of time, chance and order of this process. Call it before a module of the product is loaded:
 * some keep what they imported. There is no way back, so it has no place in a process that runs anything else.
 */
export function install(): void {
  Object.assign(globalThis, timers);
  Object.assign(nodeTimers, timers);
  Object.assign(timersPromises, {
    setTimeout: (ms: number, value: unknown, options: { signal?: AbortSignal } = {}) =>
      sleep(ms, value, options.signal),
    setImmediate: (value: unknown) => new Promise((resolve) => timers.setImmediate(() => resolve(value))),
  });
  Object.assign(globalThis, { Date: VirtualDate });
  performance.now = () => here()?.monotonic() ?? real.now();
  Math.random = () => here()?.random() ?? real.random();
  globalThis.crypto.getRandomValues = fill;
  Object.assign(globalThis.crypto, { randomUUID });
  Object.assign(nodeCrypto, { randomUUID });
  Object.assign(threads, { Worker: threadless(threads.Worker) });
  Object.assign(fs, { ...disk(fs.fdatasync, fs.open, fs.close), watch: unwatched(fs.watch) });
  syncBuiltinESMExports();
}

function sleep(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = timers.setTimeout(() => resolve(value), ms);
    signal?.addEventListener('abort', () => {
      timers.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const VirtualDate = new Proxy(real.Date, {
  construct(target, args, newTarget) {
    return Reflect.construct(target, args.length === 0 ? [wall()] : args, newTarget);
  },
  apply: () => new real.Date(wall()).toString(),
  get(target, name) {
    return name === 'now' ? wall : Reflect.get(target, name);
  },
});

function wall(): number {
  return here()?.wall() ?? real.Date.now();
}

function fill<T extends ArrayBufferView | null>(array: T): T {
  draws.count++;
  const random = here()?.random ?? real.random;
  if (array === null) return array;
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let index = 0; index < bytes.length; index++) bytes[index] = random() * 256;
  return array;
}

function randomUUID(): string {
  const hex = [...fill(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A thread would run in true time. SQLite's checkpoints and the worker's heartbeats have ways without one. */
function threadless(Worker: typeof threads.Worker): typeof threads.Worker {
  return new Proxy(Worker, {
    construct(target, args, newTarget) {
      if (inside() !== undefined) throw new Error('There are no threads in the simulation.');
      return Reflect.construct(target, args, newTarget);
    },
  });
}

/** The system tells of a write in true time. SQLite's poll has a way without a watch. */
function unwatched(watch: typeof fs.watch): typeof fs.watch {
  return new Proxy(watch, {
    apply(target, self, args: Parameters<typeof fs.watch>) {
      if (inside() !== undefined) throw new Error('There are no watches in the simulation.');
      return Reflect.apply(target, self, args);
    },
  });
}

/** Calls that Node makes in its pool of threads: in a node they take virtual time. A slow disk takes 50 ms. */
function disk(fdatasync: typeof fs.fdatasync, open: typeof fs.open, close: typeof fs.close) {
  const crashes = new Map<number, () => void>();
  return {
    fdatasync: (file: number, done: Done) => {
      const node = inside();
      if (node === undefined) return fdatasync(file, done);
      const slow = node.random() < 0.02 ? 50 * node.random() : 0;
      node.after(0.3 + 1.5 * node.random() + slow, 'fdatasync', () => done(null));
    },
    open: (...args: [path: string, flags: string, done: Done]) => {
      const node = inside();
      if (node === undefined) return Reflect.apply(open, fs, args);
      const [path, flags, done] = args;
      const opened = attempt(() => fs.openSync(path, flags));
      if (typeof opened === 'number')
        crashes.set(
          opened,
          node.onDeath(() => fs.closeSync(opened)),
        );
      node.after(0.1, 'open', () => (opened instanceof Error ? done(opened) : done(null, opened)));
    },
    close: (file: number, done: Done) => {
      const node = inside();
      if (node === undefined) return close(file, done);
      crashes.get(file)?.();
      const closed = attempt(() => fs.closeSync(file));
      node.after(0.1, 'close', () => done(closed instanceof Error ? closed : null));
    },
  };
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
