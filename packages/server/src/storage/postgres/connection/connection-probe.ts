import pg from 'pg';
import { sqlState } from './errors.ts';

/**
 * A call that takes longer than this makes somebody look whether the server still answers, which may take as long again: together less than the 10 s after
 * which a worker takes its request for lost.
 */
const defaultPatienceMs = 4_000;

/**
 * Tells a server that is slow from one that no longer answers: a network that swallows what is sent ends no connection. While a call takes long another
 * connection is tried; where that fails too, the calls under way are given up. Without it they would wait for their own timeout, which has to leave slow calls time.
 */
export class ConnectionProbe {
  readonly #config: pg.ClientConfig;
  readonly #patienceMs: number;
  #probing: Promise<boolean> | null = null;

  constructor(config: pg.ClientConfig, patienceMs = defaultPatienceMs) {
    this.#config = { ...config, connectionTimeoutMillis: patienceMs, query_timeout: patienceMs };
    this.#patienceMs = patienceMs;
  }

  /** Watches a call until it is disposed of; its connection is cut where the server does not answer. */
  over({ connection }: pg.PoolClient): Disposable {
    const look = async () => {
      const answers = await this.#answers();
      if (!watching) return;
      if (answers) timer.refresh();
      else connection.stream.destroy();
    };
    let watching = true;
    const timer = setTimeout(() => void look(), this.#patienceMs).unref();
    return {
      [Symbol.dispose]: () => {
        watching = false;
        clearTimeout(timer);
      },
    };
  }

  #answers(): Promise<boolean> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = null;
    });
    return this.#probing;
  }

  async #probe(): Promise<boolean> {
    const client = new pg.Client(this.#config);
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch (error) {
      // Too many connections, or a server that starts: it does answer.
      return sqlState(error) !== null;
    } finally {
      client.connection.stream.destroy();
    }
  }
}
