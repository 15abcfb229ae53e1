import { macrotask } from '../../connection/pause.ts';
import { timerMs } from '../../options/duration.ts';

/** Finds out that an execution does nothing but wait. */
export class Idle {
  readonly #afterMs: number;
  readonly #isWaiting: () => boolean;
  readonly #suspend: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts what has happened, so that a check knows whether it is the latest. */
  #round = 0;

  /** @param afterMs how long nothing may happen before `suspend` is called. */
  constructor(afterMs: number, isWaiting: () => boolean, suspend: () => void) {
    this.#afterMs = afterMs;
    this.#isWaiting = isWaiting;
    this.#suspend = suspend;
  }

  /** The handler has called something, or something that it waits for has ended: the silence begins again. */
  touch(): void {
    const round = ++this.#round;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isWaiting()) return;
    if (this.#afterMs === 0) this.#twoTurns(round);
    else this.#timer = setTimeout(() => this.#twoTurns(round), timerMs(this.#afterMs));
  }

  stop(): void {
    this.#round++;
    clearTimeout(this.#timer);
  }

  /** A busy event loop runs an overdue timer before it reads the answers that have arrived. */
  #twoTurns(round: number): void {
    macrotask(() =>
      macrotask(() => {
        if (round === this.#round && this.#isWaiting()) this.#suspend();
      }),
    );
  }
}
