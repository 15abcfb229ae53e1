export interface Contestant<T> {
  readonly who: string;
  run(): Promise<T>;
}

/**
 * What each contestant answered, round by round. Every other round goes the other way round, so that none always has
 * the warm or the worn disk, or the machine's best minute.
 */
export async function alternate<T>(
  contestants: readonly Contestant<T>[],
  rounds: number,
): Promise<readonly { readonly who: string; readonly answers: readonly T[] }[]> {
  const all = contestants.map(({ who, run }) => ({ who, run, answers: [] as T[] }));
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      try {
        one.answers.push(await one.run());
      } catch (error) {
        throw new Error(`${one.who} failed: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
      if (process.stderr.isTTY) process.stderr.write('.');
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  return all.map(({ who, answers }) => ({ who, answers }));
}
