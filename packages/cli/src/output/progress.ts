const width = 24;

/** How far a long work has come. */
export interface Standing {
  /** From 0 to 1; null if unknown. */
  readonly part: number | null;
  readonly words: string;
  /** Milliseconds; null if unknown. */
  readonly leftMs: number | null;
}

/** A bar on standard error with the time left. If standard error is no terminal, nothing is written. */
export class ProgressBar implements Disposable {
  readonly #output = process.stderr;
  #isShown = false;

  show({ part, words, leftMs }: Standing): void {
    if (!this.#output.isTTY) return;
    const filled = Math.round(width * Math.min(1, part ?? 0));
    const bar = part === null ? '' : `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(100 * part)}%  `;
    const left = leftMs === null ? '' : `, ${timeText(leftMs)} left`;
    this.#clear();
    this.#isShown = true;
    this.#output.write(`${bar}${words}${left}`.slice(0, this.#output.columns || 80));
  }

  #clear(): void {
    this.#output.cursorTo(0);
    this.#output.clearLine(0);
  }

  [Symbol.dispose](): void {
    if (this.#isShown) this.#clear();
  }
}

/** `3s`, `4m 20s`, `2h 5m`. */
export function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m ${seconds % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
