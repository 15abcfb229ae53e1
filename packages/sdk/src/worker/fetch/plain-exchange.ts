import { type Connection, once } from '../../connection/connection.ts';
import { textOf } from '../../json.ts';
import type { Identity } from '../leases/heartbeat-message.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { WorkerSettings } from '../options.ts';
import { answerMs, fetchBody, jobsIn } from './batched-exchange.ts';
import { type Exchange, type ExchangeAnswer, type ExchangeRequest, type ItemAnswer, itemAnswerOf } from './exchange.ts';

/**
 * The plain binding (ojs-http-binding §10): a request for every ack, nack and fetch. For servers without
 * `worker.exchange`.
 */
export class PlainExchange implements Exchange {
  readonly extended = false;
  readonly #connection: Connection;
  readonly #identity: Identity;
  readonly #settings: WorkerSettings;
  readonly #ms: number;

  constructor(connection: Connection, identity: Identity, settings: WorkerSettings) {
    this.#connection = connection;
    this.#identity = identity;
    this.#settings = settings;
    this.#ms = Math.min(answerMs, connection.timeoutMs);
  }

  async send({ items, fetch }: ExchangeRequest, signal: AbortSignal): Promise<ExchangeAnswer> {
    const answers = await Promise.all(items.map((leased) => this.#settle(leased, signal)));
    if (fetch === null) return { items: answers, jobs: [] };
    const body = JSON.stringify({ ...fetchBody(fetch, this.#settings), ...this.#identity });
    return {
      items: answers,
      jobs: jobsIn(await once(this.#connection, { operation: 'worker.fetch', body }, this.#ms + fetch.waitMs, signal)),
    };
  }

  /** Every item has its own outcome, so one that fails is an answer here, not an exception. */
  async #settle(leased: LeasedJob, signal: AbortSignal): Promise<ItemAnswer> {
    const operation = leased.outcome === 'ack' ? 'worker.ack' : 'worker.nack';
    const body = `{"worker_id":${JSON.stringify(this.#identity.worker_id)},${leased.entry.slice(1)}`;
    try {
      const answer = await once(this.#connection, { operation, body }, this.#ms, signal);
      return { status: 200, message: '', state: textOf(answer.state) };
    } catch (error) {
      return itemAnswerOf(error, leased.entry.length);
    }
  }
}
