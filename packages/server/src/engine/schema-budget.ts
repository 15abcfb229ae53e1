/** Steps that any check may take, at about 20 ns: what is refused was refused after milliseconds, for args of 1 MiB after less than half a second. */
const base = 50_000;
const perCharacter = 20;

/** Counts the work of a check while it runs. Checks are synchronous, so one budget serves them all. */
export class Budget {
  left = 0;

  /** The answer of `work`; null where it took more than a text of `length` characters allows, or more of the stack than there is. */
  run<T>(length: number, work: () => T, steps: number = base): T | null {
    this.left = steps + perCharacter * length;
    try {
      return work();
    } catch (error) {
      if (error === this || error instanceof RangeError) return null;
      throw error;
    }
  }

  /** Called from within `work`. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw this;
  }
}
