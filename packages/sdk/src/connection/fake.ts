import type { Answer, Call } from '@ojs-ts/core';

/** Answers calls in this process, in place of a server (ojs-testing §5). */
export interface Fake {
  /** The answer of the store. A refusal is an answer too, so this never throws. */
  answer(call: Call): Answer;
  /**
   * Called after an answer, before the caller gets it. Inline mode runs the job here; the call rejects with the error
   * of the handler.
   */
  settle?(call: Call, answer: Answer): Promise<void>;
  /** The time of the store, if a test has set it; in milliseconds since the Unix epoch. */
  now?(): number;
  /** True if `settle` runs handlers. A sync client cannot await them and refuses; it never calls `settle`. */
  readonly runsHandlers?: boolean;
}

/**
 * The place where `/testing` keeps the current fake. One place for the process, so that ESM and CommonJS copies agree.
 */
export interface FakeSource {
  current(): Fake | null;
}

const key = Symbol.for('@ojs-ts/sdk.fake');

/** Only the first copy of this package sets the source. */
export function setFakeSource(source: FakeSource): void {
  if (fakeSource() === null) Reflect.set(globalThis, key, source);
}

/** The fake of the test that runs this code; null outside of tests. */
export function currentFake(): Fake | null {
  return fakeSource()?.current() ?? null;
}

function fakeSource(): FakeSource | null {
  const found: unknown = Reflect.get(globalThis, key);
  return isSource(found) ? found : null;
}

function isSource(value: unknown): value is FakeSource {
  return typeof value === 'object' && value !== null && 'current' in value && typeof value.current === 'function';
}
