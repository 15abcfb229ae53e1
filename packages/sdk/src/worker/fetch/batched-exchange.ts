import { isObject } from '@ojs-ts/core';
import { type Connection, once } from '../../connection/connection.ts';
import { numberOf, textOf, type Wire, wireOf } from '../../json.ts';
import type { Identity } from '../leases/heartbeat-message.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { WorkerSettings } from '../options.ts';
import type { Exchange, ExchangeAnswer, ExchangeRequest, Fetch, ItemAnswer } from './exchange.ts';

/**
 * The worker sends a request again when its answer takes longer than this, in milliseconds, beside the wait of a long
 * poll.
 */
export const answerMs = 10_000;

/**
 * `worker.exchange`, an extension of this server (docs/reference/http-workers.md): acks, nacks and a fetch in one
 * request.
 */
export class BatchedExchange implements Exchange {
  readonly extended = true;
  readonly #connection: Connection;
  readonly #head: string;
  readonly #settings: WorkerSettings;

  constructor(connection: Connection, identity: Identity, settings: WorkerSettings) {
    this.#connection = connection;
    this.#head = JSON.stringify(identity).slice(0, -1);
    this.#settings = settings;
  }

  async send({ items, fetch }: ExchangeRequest, signal: AbortSignal): Promise<ExchangeAnswer> {
    const acks = items.filter((leased) => leased.outcome === 'ack');
    const nacks = items.filter((leased) => leased.outcome === 'nack');
    const wish = fetch === null ? '' : `,"fetch":${JSON.stringify(fetchBody(fetch, this.#settings))}`;
    const body = `${this.#head},"return":"minimal","acks":[${entries(acks)}],"nacks":[${entries(nacks)}]${wish}}`;
    const ms = Math.min(answerMs, this.#connection.timeoutMs) + (fetch?.waitMs ?? 0);
    const answer = await once(this.#connection, { operation: 'worker.exchange', body }, ms, signal);
    const acked = answersFor(acks, answer.acks);
    const nacked = answersFor(nacks, answer.nacks);
    let [ack, nack] = [0, 0];
    const answers = items.map((leased) => (leased === acks[ack] ? acked[ack++] : nacked[nack++]) ?? unanswered);
    return { items: answers, jobs: jobsIn(answer) };
  }
}

const unanswered: ItemAnswer = { status: 503, message: 'the answer does not mention it' };
const completed: ItemAnswer = { status: 200, message: '', state: 'completed' };

function entries(items: readonly LeasedJob[]): string {
  return items.map((leased) => leased.entry).join(',');
}

/**
 * By position, which is the rule; a server that lost one is caught by the ids. An item that could not be read is
 * answered without one.
 */
function answersFor(items: readonly LeasedJob[], answers: unknown): ItemAnswer[] {
  const list: readonly unknown[] = Array.isArray(answers) ? answers : [];
  return items.map((leased, index) => {
    // The short answer to an ack, which this request asks for.
    if (list[index] === completed.status) return completed;
    const answer = isFor(list[index], leased) ? list[index] : list.find((one) => isFor(one, leased));
    if (!isObject(answer)) return unanswered;
    const message = textOf(wireOf(answer.error)?.message) ?? '';
    return { status: numberOf(answer.status) ?? 503, message, state: textOf(answer.state) };
  });
}

function isFor(answer: unknown, leased: LeasedJob): boolean {
  return isObject(answer) && (answer.job_id === leased.id || answer.job_id === '' || answer.job_id === undefined);
}

export function fetchBody(fetch: Fetch, settings: WorkerSettings): Wire {
  return {
    queues: settings.queues,
    count: fetch.count,
    wait_ms: fetch.waitMs,
    visibility_timeout_ms: settings.visibilityMs,
    request_id: fetch.requestId,
    // Its claims are settled with their leases only.
    leases: true,
    steps: true,
  };
}

export function jobsIn(answer: Wire): readonly Wire[] {
  return Array.isArray(answer.jobs) ? answer.jobs.filter(isObject) : [];
}
