import type { JobRecord } from './job.ts';

type Texts = Pick<JobRecord, 'envelope' | 'history' | 'policy' | 'result' | 'progress' | 'checkpoint'>;

/** About how much of an answer a job takes: the characters of its texts. The other columns are a few hundred bytes. */
export function sizeOf({ envelope, history, policy, result, progress, checkpoint }: Texts): number {
  return (
    envelope.length +
    history.length +
    (policy?.length ?? 0) +
    (result?.length ?? 0) +
    (progress?.length ?? 0) +
    (checkpoint?.length ?? 0)
  );
}

/**
 * The maximum that one call may return: the items that fit, but at least one, so that a large item cannot block the
 * list.
 */
export class ByteBudget {
  #left: number;
  #isEmpty = true;
  #isFull = false;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** True if an item did not fit. Nothing is taken after it, or small items would overtake large ones. */
  get isFull(): boolean {
    return this.#isFull;
  }

  take(bytes: number): boolean {
    if (this.#isFull || (bytes > this.#left && !this.#isEmpty)) {
      this.#isFull = true;
      return false;
    }
    this.add(bytes);
    return true;
  }

  /** Counts what was handed out before and is answered again. */
  add(bytes: number): void {
    this.#left -= bytes;
    this.#isEmpty = false;
  }
}
