import { OJSError } from '../errors.ts';

interface Arrival<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Where the requests of a batch wait for each other at the end of their middleware: `send` is called once all that were not dropped are there, so a batch stays one
 * request. A middleware that calls `next()` again after a failure makes a second round, which goes ahead where all others have come back too.
 */
export class Rendezvous<In, Out> {
  readonly #send: (items: readonly In[]) => Promise<readonly Out[]>;
  readonly #arrived = new Map<number, Arrival<In, Out>>();
  readonly #left = new Set<number>();
  readonly #count: number;
  #broken: { readonly error: unknown } | null = null;

  constructor(count: number, send: (items: readonly In[]) => Promise<readonly Out[]>) {
    this.#count = count;
    this.#send = send;
  }

  /** The outcome of the item at `index` of the batch. */
  arrive(index: number, item: In): Promise<Out> {
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.#arrived.set(index, { item, resolve, reject });
    this.#advance();
    return promise;
  }

  /** The middleware of the item is done: it was dropped, or has its outcome. */
  leave(index: number): void {
    this.#left.add(index);
    this.#advance();
  }

  /** The middleware of an item failed: none of the batch is sent any more. */
  fail(index: number, error: unknown): void {
    this.#broken ??= { error };
    this.leave(index);
  }

  #advance(): void {
    if (this.#arrived.size + this.#left.size < this.#count || this.#arrived.size === 0) return;
    const round = [...this.#arrived].toSorted(([a], [b]) => a - b).map(([, arrival]) => arrival);
    this.#arrived.clear();
    if (this.#broken !== null) for (const { reject } of round) reject(this.#broken.error);
    else void this.#settle(round);
  }

  async #settle(round: readonly Arrival<In, Out>[]): Promise<void> {
    try {
      const outs = await this.#send(round.map(({ item }) => item));
      round.forEach(({ resolve, reject }, index) => {
        const out = outs[index];
        if (out === undefined) reject(new OJSError('The server answered a batch with fewer jobs than it had.'));
        else resolve(out);
      });
    } catch (error) {
      for (const { reject } of round) reject(error);
    }
  }
}
