import type pg from 'pg';

/**
 * Distinguishes a slow server from one that no longer answers: a network that swallows packets ends no connection.
 * While a call takes long, another connection is opened; if that fails too, the calls in flight are cut off. Their own
 * timeout has to leave slow calls more time.
 */
export class ConnectionProbe {
  readonly #patienceMs: number;
  readonly #answers: () => Promise<boolean>;

  /** @param answers whether a new connection gets an answer. It cuts those whose server was replaced itself. */
  constructor(patienceMs: number, answers: () => Promise<boolean>) {
    this.#patienceMs = patienceMs;
    this.#answers = answers;
  }

  /** Watches a call until it is disposed of, and cuts its connection if the server does not answer. */
  watch({ connection }: pg.PoolClient): Disposable {
    const probe = async () => {
      const answers = await this.#answers();
      if (!watching) return;
      if (answers) timer.refresh();
      else connection.stream.destroy();
    };
    let watching = true;
    const timer = setTimeout(() => void probe(), this.#patienceMs).unref();
    return {
      [Symbol.dispose]: () => {
        watching = false;
        clearTimeout(timer);
      },
    };
  }
}
