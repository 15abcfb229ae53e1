import { known } from '../options/known.ts';
import { type DrainOptions, drainNames } from './ledger.ts';
import { MemoryStore } from './memory-store.ts';
import { RealStore } from './real-store.ts';
import { enter, ledger, within } from './scope.ts';
import type { FakeStore } from './store.ts';

export {
  allEnqueued,
  assertCompleted,
  assertEnqueued,
  assertFailed,
  assertJobState,
  assertPerformed,
  assertWorkflowCreated,
  refuteEnqueued,
  refuteEnqueued as assertNotEnqueued,
  refutePerformed,
  type WorkflowMatch,
} from './assertions.ts';
export type { DrainOptions } from './ledger.ts';
export type { Match } from './match.ts';
export { perform } from './perform.ts';
export { restore } from './scope.ts';
export type { FakeStore } from './store.ts';

/**
 * From here on clients send nothing: jobs are kept in memory, by the rules of a real server, and run by `drain()` only.
 * Ends with `restore()`, at the end of the block with `using`, or with `body` where one is given, which is the only
 * code then that is in the mode.
 */
export function fakeMode<T>(body: (store: FakeStore) => T): T;
// Last, so that `ReturnType<typeof fakeMode>` is the store.
export function fakeMode(): FakeStore;
export function fakeMode<T>(body?: (store: FakeStore) => T): FakeStore | T {
  const store = new MemoryStore('fake');
  if (body !== undefined) return within(store, () => ending(store, () => body(store)));
  enter(store);
  return store;
}

/**
 * As fake mode, but a job is run as soon as it is enqueued, its delay ignored: `enqueue` resolves when the handler has
 * ended, and rejects with what it throws. Nothing is tried again.
 */
export function inlineMode(): FakeStore {
  const store = new MemoryStore('inline');
  enter(store);
  return store;
}

/** The store of real mode: a server in this process, which `restore()` stops. */
export interface RunningStore extends FakeStore, AsyncDisposable {
  readonly url: string;
}

/**
 * A real server in this process, reached over HTTP at `url`; needs the package `@ojs-ts/server`. `restore()` stops it,
 * `await using` waits for that.
 * @param options `storage` as of a server; default `memory:`.
 */
export function realMode(options: { storage?: string | undefined } = {}): Promise<RunningStore> {
  known(options, { storage: true });
  const store = new RealStore();
  // Before anything is awaited, so that the caller's context has it.
  enter(store);
  return opened(store, options.storage ?? 'memory:');
}

/** Forgets the jobs and workflows so far; handlers, time and the mode stay. */
export function clearAll(): void {
  ledger().clear();
}

/**
 * Fake mode: runs what is enqueued, one job after the other by priority and age, and what those enqueue. A job that
 * fails waits for its next attempt as in production: `advanceTime()` or `withScheduled` brings it. Inline mode: there
 * is nothing left to do. Real mode: waits until the queues are empty, with a worker of its own where the test has given
 * handlers.
 * @returns how many executions have ended.
 * @throws {OJSError} where a type has no handler, before any job of it is touched; {OJSTimeoutError}. What a handler
 * throws is its job's failure.
 */
export function drain(options: DrainOptions = {}): Promise<number> {
  known(options, drainNames);
  return ledger().drain(options);
}

function ending<T>(store: FakeStore, body: () => T): T {
  let result: T;
  try {
    result = body();
  } catch (error) {
    store.restore();
    throw error;
  }
  if (!isPromise(result)) {
    store.restore();
    return result;
  }
  result.then(
    () => store.restore(),
    () => store.restore(),
  );
  return result;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

async function opened(store: RealStore, storage: string): Promise<RealStore> {
  try {
    await store.open(storage);
    return store;
  } catch (error) {
    store.restore();
    throw error;
  }
}
