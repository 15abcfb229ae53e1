/** A caller that waits for a hint. A wake-up before it waits is not lost. */
export class Waiter {
  #woken = false;
  #resolve: (() => void) | null = null;

  get isWoken(): boolean {
    return this.#woken;
  }

  get isWaiting(): boolean {
    return this.#resolve !== null;
  }

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves at a wake-up since the last call, after `ms`, or when the signal is aborted; true for a wake-up. */
  async wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#woken && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal?.addEventListener('abort', done, { once: true });
        this.#resolve = done;
      });
      this.#resolve = null;
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}
