import { AsyncLocalStorage } from 'node:async_hooks';
import { type Fake, setFakeSource } from '../connection/fake.ts';
import { OJSError } from '../errors.ts';
import type { Ledger } from './ledger.ts';

/**
 * A test mode that is on. Which one holds for the code that runs now follows from its asynchronous context, so
 * concurrent tests do not see each other.
 */
export interface Scope {
  /** Answers in the place of a server; null in real mode. */
  readonly fake: Fake | null;
  readonly ledger: Ledger;
  /** The mode around this one. */
  readonly outer: Scope | null;
  readonly isOver: boolean;
  restore(): void;
  /**
   * No longer everywhere. Code that has the mode in its asynchronous context keeps it: that may be a test that runs at
   * the same time.
   */
  release(): void;
}

interface Shared {
  readonly local: AsyncLocalStorage<Scope>;
  /** For code whose runner loses the context between a hook and its test: the last one counts. */
  readonly everywhere: Scope[];
}

/** One for the process, so that ESM and CommonJS copies agree. */
const key = Symbol.for('@ojs-ts/sdk.testing');

export function currentScope(): Scope | null {
  return own()[0] ?? shared().everywhere.findLast(({ isOver }) => !isOver) ?? null;
}

/** @throws {OJSError} where no mode is on. */
export function ledger(): Ledger {
  const scope = currentScope();
  if (scope === null) throw new OJSError('No test mode is on: call fakeMode(), inlineMode() or realMode() first.');
  return scope.ledger;
}

/** Of the asynchronous context, over or not: what a new mode is put around. */
export function localScope(): Scope | null {
  return shared().local.getStore() ?? null;
}

/** On for the code after this, and for whatever has no mode of its own. */
export function enter(scope: Scope): void {
  setFakeSource(source);
  shared().local.enterWith(scope);
  shared().everywhere.push(scope);
}

/** On within the call, and nowhere else. */
export function within<T>(scope: Scope, work: () => T): T {
  setFakeSource(source);
  return shared().local.run(scope, work);
}

/**
 * Ends the test modes: calls go to the server again, and what was kept is forgotten. In an asynchronous context with
 * modes of its own those end; elsewhere, as in a hook whose context the runner loses, those that hold everywhere.
 */
export function restore(): void {
  const ours = own();
  for (const scope of ours) scope.restore();
  if (ours.length === 0) for (const scope of [...shared().everywhere]) scope.release();
}

/** To be called by a scope that ends, or is released. */
export function forget(scope: Scope): void {
  const { everywhere } = shared();
  const at = everywhere.indexOf(scope);
  if (at >= 0) everywhere.splice(at, 1);
}

const source = { current: () => currentScope()?.fake ?? null };

/** Those of the asynchronous context that are on, the innermost first. */
function own(): readonly Scope[] {
  const found: Scope[] = [];
  for (let scope = localScope(); scope !== null; scope = scope.outer) if (!scope.isOver) found.push(scope);
  return found;
}

function shared(): Shared {
  const found: unknown = Reflect.get(globalThis, key);
  if (isShared(found)) return found;
  const made: Shared = { local: new AsyncLocalStorage(), everywhere: [] };
  Reflect.set(globalThis, key, made);
  return made;
}

function isShared(value: unknown): value is Shared {
  return typeof value === 'object' && value !== null && 'local' in value && 'everywhere' in value;
}
