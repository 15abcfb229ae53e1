import type { Operator } from './operator.ts';

/** What became of a task. */
export interface Trial {
  /** What was done, such as `Jobs` and `Query`; none where the first page is enough. */
  readonly actions: readonly string[];
  readonly seconds: number;
  /** Why it was not done; null where it was. */
  readonly problem: string | null;
}

/** Tries a task from the first page on. The time begins when that page is there. */
export async function tryTask(operator: Operator, run: (operator: Operator) => Promise<void>): Promise<Trial> {
  await operator.begin();
  const from = performance.now();
  const problem = await run(operator).then(
    () => null,
    (error: unknown) => String(error),
  );
  return { actions: operator.actions, seconds: (performance.now() - from) / 1_000, problem };
}

/** Such as `Jobs → Query (2)`. */
export function pathOf(actions: readonly string[], first: string): string {
  return `${actions.length === 0 ? first : actions.join(' → ')} (${actions.length})`;
}
