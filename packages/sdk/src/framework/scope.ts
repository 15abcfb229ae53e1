import { AsyncLocalStorage } from 'node:async_hooks';
import type { JobDef } from '../job/definition.ts';
import type { JobOptions } from '../job/options.ts';
import type { JsonArray, Meta } from '../json.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';

/** Shared by all copies of this package in the process. */
const storageKey = Symbol.for('@ojs-ts/sdk.request-scope');

function sharedStorage(): AsyncLocalStorage<Scope> {
  const found: unknown = Reflect.get(globalThis, storageKey);
  if (isStorage(found)) return found;
  const made = new AsyncLocalStorage<Scope>();
  Reflect.set(globalThis, storageKey, made);
  return made;
}

function isStorage(value: unknown): value is AsyncLocalStorage<Scope> {
  return value instanceof AsyncLocalStorage;
}

/** Its store is undefined outside of a request. */
export const storage = sharedStorage();

/** The context of a request, and its deferred jobs. */
export interface Scope {
  readonly meta: Meta;
  readonly deferred: Deferred[];
  /** True if the scope is a transaction within the request. */
  readonly transaction: boolean;
  /** Set once the scope has ended: its jobs were sent or dropped, or moved to the scope around it. */
  end?: 'sent' | 'dropped' | Scope;
}

/** A job that waits for the end of its scope. */
export interface Deferred {
  readonly target: string | JobDef;
  readonly args: JsonArray;
  readonly options: JobOptions;
}

/**
 * Puts the request's context into the meta of every job that the request enqueues. The meta of the call itself wins.
 */
export const requestContextMiddleware: EnqueueMiddleware = function requestContext(request, next) {
  const scope = storage.getStore();
  return next(scope === undefined ? request : { ...request, meta: { ...scope.meta, ...request.meta } });
};
