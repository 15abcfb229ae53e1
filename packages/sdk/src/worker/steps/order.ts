import { macrotask } from '../../connection/pause.ts';

/**
 * Delivers outcomes in the order of their numbers: the lowest first, then the handler runs until it is idle for a turn
 * of the event loop. So of several calls the same one wins in each execution.
 */
export class Deliveries {
  /** Outcomes that are known, and not delivered yet. */
  readonly #known: { readonly number: number; readonly deliver: () => void }[] = [];
  /** The numbers of records whose answers are still to come. */
  readonly #sent = new Set<number>();
  #pumping = false;
  #stopped = false;

  /** True if an outcome is still to be delivered. */
  get busy(): boolean {
    return this.#known.length > 0;
  }

  /** Holds higher numbers back until this one is {@link add added} or {@link drop dropped}. */
  expect(number: number): void {
    this.#sent.add(number);
  }

  drop(number: number): void {
    this.#sent.delete(number);
    this.#pump();
  }

  add(number: number, deliver: () => void): void {
    this.#sent.delete(number);
    const index = this.#known.findIndex((other) => other.number > number);
    this.#known.splice(index < 0 ? this.#known.length : index, 0, { number, deliver });
    this.#pump();
  }

  /** Nothing more is delivered. */
  stop(): void {
    this.#stopped = true;
    this.#known.length = 0;
  }

  /** An outcome waits for one turn, because the handler may ask for one with a lower number in the same turn. */
  #pump(): void {
    if (this.#pumping || this.#known.length === 0) return;
    this.#pumping = true;
    macrotask(() => {
      this.#pumping = false;
      const [first] = this.#known;
      if (this.#stopped || first === undefined) return;
      // The answer to the earlier record pumps again.
      if (this.#sent.size > 0 && Math.min(...this.#sent) < first.number) return;
      this.#known.shift();
      first.deliver();
      this.#pump();
    });
  }
}
