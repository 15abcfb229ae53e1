import fc from 'fast-check';
import { fewRuns } from '../../../core/test/support/runs.ts';

export interface Runs {
  /** These are made however long they take: a busy machine checks for longer, not less. */
  readonly atLeast: number;
  /** No more than these, and no new one after `ms`; in `npm test` only the least. */
  readonly atMost: number;
  readonly ms: number;
}

/** Checks a property on new values again and again. Throws with the smallest counterexample that it finds. */
export async function checkProperty<T>(property: fc.IAsyncProperty<T>, { atLeast, atMost, ms }: Runs): Promise<void> {
  const until = performance.now() + ms;
  await fc.assert(property, { numRuns: atLeast });
  const left = until - performance.now();
  if (left <= 0 || fewRuns) return;
  // The seed of the whole run would draw the same values once more.
  const seed = (fc.readConfigureGlobal().seed ?? 0) + 1;
  const rest = await fc.check(property, { seed, numRuns: atMost - atLeast, interruptAfterTimeLimit: left });
  // The time may end in the first of them, of which fast-check makes a failure.
  if (rest.failed && rest.counterexample !== null)
    throw new Error(await fc.asyncDefaultReportMessage(rest), { cause: rest.errorInstance });
}
