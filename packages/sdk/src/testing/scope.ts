import { AsyncLocalStorage } from 'node:async_hooks';
import { type Fake, setFakeSource } from '../connection/fake.ts';
import { OJSError } from '../errors.ts';
import type { Ledger } from './ledger.ts';

/**
 * An active test mode. The asynchronous context decides which mode holds for the running code, so concurrent tests do
 * not affect each other.
 */
export interface Scope {
  /** Answers in place of a server; null in real mode. */
  readonly fake: Fake | null;
  readonly ledger: Ledger;
  /** The mode around this one. */
  readonly outer: Scope | null;
  readonly isOver: boolean;
  restore(): void;
  /** Stops holding everywhere. Code with the mode in its asynchronous context keeps it: it may be a concurrent test. */
  release(): void;
}

interface Shared {
  readonly local: AsyncLocalStorage<Scope>;
  /** Modes for code whose test runner loses the context between a hook and its test: the last one counts. */
  readonly everywhere: Scope[];
}

/** One per process, so that the ESM and CommonJS copies share it. */
const key = Symbol.for('@ojs-ts/sdk.testing');

export function currentScope(): Scope | null {
  return own()[0] ?? shared().everywhere.findLast(({ isOver }) => !isOver) ?? null;
}

/** @throws {OJSError} if no mode is active. */
export function ledger(): Ledger {
  const scope = currentScope();
  if (scope === null) throw new OJSError('No test mode is on: call fakeMode(), inlineMode() or realMode() first.');
  return scope.ledger;
}

/** The mode of the asynchronous context, active or ended: a new mode goes around it. */
export function localScope(): Scope | null {
  return shared().local.getStore() ?? null;
}

/** Activates the mode for the code that follows, and for all code without a mode of its own. */
export function enter(scope: Scope): void {
  setFakeSource(source);
  shared().local.enterWith(scope);
  shared().everywhere.push(scope);
}

/** Activates the mode within the call only. */
export function within<T>(scope: Scope, work: () => T): T {
  setFakeSource(source);
  return shared().local.run(scope, work);
}

/**
 * Ends the test modes: clients send their calls to the server again, and recorded jobs are dropped. In an asynchronous
 * context with modes of its own, it ends those. Elsewhere, as in a hook whose context the runner loses, it ends those
 * that hold everywhere.
 */
export function restore(): void {
  const ours = own();
  for (const scope of ours) scope.restore();
  if (ours.length === 0) for (const scope of [...shared().everywhere]) scope.release();
}

/** A scope calls this when it ends or is released. */
export function forget(scope: Scope): void {
  const { everywhere } = shared();
  const at = everywhere.indexOf(scope);
  if (at >= 0) everywhere.splice(at, 1);
}

const source = { current: () => currentScope()?.fake ?? null };

/** The active modes of the asynchronous context, innermost first. */
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
