import type { Answer, Call } from '@ojs-ts/core';

/** Answers calls in the place of a server, in this process and at once (ojs-testing §5). */
export interface Fake {
  /** The answer of the store. Never throws for what a server would refuse: that is an answer too. */
  answer(call: Call): Answer;
  /** Called after an answer, before the caller sees it: inline mode runs the job here, and what its handler throws is what the call rejects with. */
  settle?(call: Call, answer: Answer): Promise<void>;
  /** The time of the store, where a test has frozen or moved it; in milliseconds since the Unix epoch. */
  now?(): number;
  /** True where `settle` runs handlers. A sync client cannot wait for those and refuses; of any other fake it leaves `settle` out. */
  readonly runsHandlers?: boolean;
}

/** Where `/testing` says which fake the code that runs now is in. One place for the process, so that ESM and CommonJS copies agree. */
export interface FakeSource {
  current(): Fake | null;
}

const key = Symbol.for('@ojs-ts/sdk.fake');

/** The first copy of this package that is asked to sets it. */
export function setFakeSource(source: FakeSource): void {
  if (fakeSource() === null) Reflect.set(globalThis, key, source);
}

/** The fake that takes the place of a server for the code that runs now; null outside of tests. */
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
