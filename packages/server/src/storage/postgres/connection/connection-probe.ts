import pg from 'pg';
import { sqlState } from './errors.ts';

/**
 * Milliseconds of a call before the probe, and of the probe: together less than the 10 s after which a worker gives up
 * its request.
 */
const defaultPatienceMs = 4_000;

/**
 * Tells a slow server from one that no longer answers: a network that swallows packets ends no connection. While a call
 * takes long, another connection is opened; if that fails too, the calls in flight are cut off. Their own timeout has
 * to leave slow calls more time.
 */
export class ConnectionProbe {
  readonly #config: pg.ClientConfig;
  readonly #patienceMs: number;
  #probing: Promise<boolean> | null = null;

  constructor(config: pg.ClientConfig, patienceMs = defaultPatienceMs) {
    this.#config = { ...config, connectionTimeoutMillis: patienceMs, query_timeout: patienceMs };
    this.#patienceMs = patienceMs;
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
      // A server with too many connections, or one that is starting, does answer.
      return sqlState(error) !== null;
    } finally {
      client.connection.stream.destroy();
    }
  }
}
