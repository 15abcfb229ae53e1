import { checkNames } from '../options/check-names.ts';
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
export type { FakeStep } from './memory/steps.ts';
export { type PerformOptions, perform } from './perform.ts';
export { restore } from './scope.ts';
export type { FakeStore } from './store.ts';

/**
 * Starts fake mode (ojs-testing): clients send nothing. Jobs stay in memory under the rules of a real server, and only
 * `drain()` runs them. The mode ends with `restore()`, or with the block after `using`. With `body`, the mode holds for
 * the call of `body` only, and returns its result.
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
 * Starts inline mode (ojs-testing): as fake mode, but each job runs as soon as it is enqueued, without its delay. Sleeps
 * and polls of durable steps are over at once; a wait for a signal suspends the job until `store.signal()`.
 * `enqueue` resolves when the handler has ended, and rejects with the handler's error. Nothing is retried.
 */
export function inlineMode(): FakeStore {
  const store = new MemoryStore('inline');
  enter(store);
  return store;
}

/** The store of real mode: a server in this process. `restore()` stops it. */
export interface RunningStore extends FakeStore, AsyncDisposable {
  readonly url: string;
}

/**
 * Starts real mode (ojs-testing): a real server in this process, at `url` over HTTP. It needs the package
 * `@ojs-ts/server`. `restore()` stops the server, and `await using` waits for that.
 * @param options `storage`: the URL of a storage. Default: `memory:`.
 */
export function realMode(options: { storage?: string | undefined } = {}): Promise<RunningStore> {
  checkNames(options, { storage: true });
  const store = new RealStore();
  // Before any await, so that the caller's asynchronous context has it.
  enter(store);
  return opened(store, options.storage ?? 'memory:');
}

/** Removes the jobs and workflows so far. Handlers, time and the mode stay. */
export function clearAll(): void {
  ledger().clear();
}

/**
 * Runs the enqueued jobs, and the jobs that these enqueue. In fake mode they run one after the other, by priority and
 * age. A failed job waits for its next attempt, and a job under a rate limit for its start, as in production: use
 * `advanceTime()` or `withScheduled`. In inline mode nothing is left to run. In real mode `drain` runs the handlers of
 * the test in a worker until the queues are empty.
 * @returns how many executions have ended.
 * @throws {OJSError} before any job of a type without a handler runs; {OJSTimeoutError} after `timeout`. An error of a
 * handler only fails its job.
 */
export function drain(options: DrainOptions = {}): Promise<number> {
  checkNames(options, drainNames);
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
