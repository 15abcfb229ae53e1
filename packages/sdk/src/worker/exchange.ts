import { type Connection, once } from '../connection/connection.ts';
import { isWire, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import type { Held } from './held.ts';
import type { Fetch, ItemAnswer, Link, Turn, TurnAnswer } from './link.ts';
import type { WorkerSettings } from './options.ts';

/** An answer that takes longer is lost; the same turn goes again. Beside the wait of a long poll. */
export const answerMs = 10_000;

/** `worker.exchange`: acks, nacks and the next jobs in one request. */
export class Exchange implements Link {
  readonly extended = true;
  readonly #connection: Connection;
  readonly #head: string;
  readonly #settings: WorkerSettings;

  constructor(connection: Connection, workerId: string, settings: WorkerSettings) {
    this.#connection = connection;
    this.#head = `{"worker_id":${JSON.stringify(workerId)}`;
    this.#settings = settings;
  }

  async turn({ items, fetch }: Turn, signal: AbortSignal): Promise<TurnAnswer> {
    const acks = items.filter((held) => held.outcome === 'ack');
    const nacks = items.filter((held) => held.outcome === 'nack');
    const wish = fetch === null ? '' : `,"fetch":${JSON.stringify(fetchBody(fetch, this.#settings))}`;
    const body = `${this.#head},"acks":[${entries(acks)}],"nacks":[${entries(nacks)}]${wish}}`;
    const ms = Math.min(answerMs, this.#connection.timeoutMs) + (fetch?.waitMs ?? 0);
    const answer = await once(this.#connection, { operation: 'worker.exchange', body }, ms, signal);
    const answers = new Map([...pair(acks, answer.acks), ...pair(nacks, answer.nacks)]);
    return { items: items.map((held) => answers.get(held) ?? unanswered), jobs: jobsIn(answer) };
  }
}

const unanswered: ItemAnswer = { status: 503, message: 'the answer does not mention it' };

function entries(items: readonly Held[]): string {
  return items.map((held) => held.entry).join(',');
}

/** By position, which is the rule; a server that lost one is caught by the ids. An item that could not be read is answered without one. */
function pair(items: readonly Held[], answers: unknown): [Held, ItemAnswer][] {
  const list = Array.isArray(answers) ? answers : [];
  return items.map((held, index) => {
    const answer: unknown = isFor(list[index], held) ? list[index] : list.find((one) => isFor(one, held));
    if (!isWire(answer)) return [held, unanswered];
    const message = textOf(wireOf(answer.error)?.message) ?? '';
    return [held, { status: numberOf(answer.status) ?? 503, message, state: textOf(answer.state) }];
  });
}

function isFor(answer: unknown, held: Held): boolean {
  return isWire(answer) && (answer.job_id === held.id || answer.job_id === '' || answer.job_id === undefined);
}

export function fetchBody(fetch: Fetch, settings: WorkerSettings): Wire {
  return {
    queues: settings.queues,
    count: fetch.count,
    wait_ms: fetch.waitMs,
    visibility_timeout_ms: settings.visibilityMs,
    request_id: fetch.requestId,
  };
}

export function jobsIn(answer: Wire): readonly Wire[] {
  return Array.isArray(answer.jobs) ? answer.jobs.filter(isWire) : [];
}
