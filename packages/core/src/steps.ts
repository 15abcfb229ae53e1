/**
 * Work that asks a store, written once for stores that answer with promises and for the fake of `@ojs-ts/sdk/testing`,
 * which answers at once.
 */

/** The answer of a store: at once, or as a promise. */
export type Answered<T> = T | Promise<T>;

/** The methods of a store, which may answer with promises. */
export type Answering<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Answered<Answer>
    : T[Name];
};

/** Yields what it waits for, then continues. */
export type Steps<T> = Generator<Promise<unknown>, T, void>;

/** An answer of the store, as `const job = yield* ask(store.get(id))`. */
export function* ask<T>(answer: Answered<T>): Steps<T> {
  if (!(answer instanceof Promise)) return answer;
  const values: T[] = [];
  yield answer.then((value) => values.push(value));
  for (const value of values) return value;
  throw new Error('Work continued before its storage had answered. This is a bug of ojs-ts: please report it.');
}

/** The result: a promise if the store answered with one, else the value itself. */
export function run<T>(steps: Steps<T>): Answered<T> {
  const step = steps.next();
  return step.done ? step.value : later(steps, step.value);
}

async function later<T>(steps: Steps<T>, first: Promise<unknown>): Promise<T> {
  for (let pending = first; ; ) {
    const step = await pending.then(
      () => steps.next(),
      (error: unknown) => steps.throw(error),
    );
    if (step.done) return step.value;
    pending = step.value;
  }
}

/** All of them, in order. */
export function every<T>(answers: readonly Answered<T>[]): Answered<readonly T[]> {
  const values: T[] = [];
  for (const answer of answers) {
    if (answer instanceof Promise) return Promise.all(answers);
    values.push(answer);
  }
  return values;
}

/** The answer of a store that never answers with a promise. */
export function atOnce<T>(answer: Answered<T>): T {
  if (answer instanceof Promise) throw new Error('This store answered with a promise; expected the value at once.');
  return answer;
}
