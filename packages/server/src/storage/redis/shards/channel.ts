/** Passes values from a producer to a consumer, one at a time. */
export class Channel<T> implements AsyncIterable<T> {
  #given = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();
  #value: T | undefined;
  #end: { readonly error: unknown } | 'ended' | null = null;

  /** Resolves when the consumer has taken the value and asks for the next one. */
  async give(value: T): Promise<void> {
    this.#value = value;
    this.#given.resolve();
    await this.#taken.promise;
    this.#taken = Promise.withResolvers();
  }

  end(): void {
    this.#end ??= 'ended';
    this.#given.resolve();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#given.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      await this.#given.promise;
      if (this.#end === 'ended') return;
      if (this.#end !== null) throw this.#end.error;
      this.#given = Promise.withResolvers();
      const value = this.#value;
      if (value !== undefined) yield value;
      this.#taken.resolve();
    }
  }
}
