import { stepLimits } from '@ojs-ts/core/durable';
import { type Connection, once } from '../../connection/connection.ts';
import { backoffMs, macrotask, pause } from '../../connection/pause.ts';
import { listOf, numberOf, textOf, type Wire, wireOf } from '../../json.ts';
import { isRefusal } from '../fetch/response-checks.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { StepWrite } from './row.ts';

/** The answer to one item. */
export interface ItemRecorded {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The details of a refusal. */
  readonly details: Wire | undefined;
  /** The rows as the server has them now. */
  readonly steps: readonly Wire[];
}

interface Pending {
  readonly leased: LeasedJob;
  readonly steps: readonly StepWrite[];
  /** JSON text of the steps, without brackets. */
  readonly text: string;
  resolve(recorded: ItemRecorded): void;
  reject(error: unknown): void;
}

const maxCharacters = 4 * 1024 * 1024;
/** One is on its way while the next one gathers. */
const maxRequests = 2;
const answerMs = 10_000;
const minRetryMs = 50;
const maxRetryMs = 1_000;

/**
 * Records the steps of all jobs of a worker. The records of one turn of the event loop share a request, and so do those
 * that arrive while two requests are on their way. A request without an answer is repeated until its jobs are lost.
 */
export class StepWriter {
  readonly #connection: Connection;
  readonly #workerId: string;
  #pending: Pending[] = [];
  #requests = 0;
  #scheduled = false;

  constructor(connection: Connection, workerId: string) {
    this.#connection = connection;
    this.#workerId = workerId;
  }

  /**
   * Never settles if the job is lost before an answer comes.
   * @throws {OJSAPIError} if the server refuses the request.
   */
  record(leased: LeasedJob, steps: readonly StepWrite[]): Promise<ItemRecorded> {
    const { promise, resolve, reject } = Promise.withResolvers<ItemRecorded>();
    const text = JSON.stringify(steps).slice(1, -1);
    this.#pending.push({ leased, steps, text, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#scheduled || this.#requests >= maxRequests || this.#pending.length === 0) return;
    this.#scheduled = true;
    macrotask(() => {
      this.#scheduled = false;
      const batch = this.#take();
      this.#requests++;
      void this.#send(batch).finally(() => {
        this.#requests--;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #take(): readonly Pending[] {
    let characters = 0;
    let count = 0;
    for (const { text } of this.#pending) {
      characters += text.length;
      if (count > 0 && (count === stepLimits.items || characters > maxCharacters)) break;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    let left = batch;
    for (let failures = 0; ; ) {
      left = left.filter(({ leased }) => leased.state === 'running');
      if (left.length === 0) return;
      try {
        left = await this.#try(left);
        if (left.length === 0) return;
      } catch (error) {
        if (isRefusal(error)) return this.#refused(left, error);
        this.#connection.logger.debug('steps not recorded yet', { error: String(error) });
      }
      await pause(Math.min(backoffMs(++failures, minRetryMs, maxRetryMs), maxRetryMs), this.#connection.closing);
      if (this.#connection.closing.aborted) return;
    }
  }

  /** Sends the records once. Returns those without an outcome. */
  async #try(batch: readonly Pending[]): Promise<readonly Pending[]> {
    const items = itemsOf(batch);
    const texts = items.map((item) => {
      const { id, lease } = item[0].leased;
      const head = JSON.stringify({ job_id: id, x_lease: lease }).slice(0, -1);
      return `${head},"steps":[${item.map(({ text }) => text).join(',')}]}`;
    });
    const body = `{"worker_id":${JSON.stringify(this.#workerId)},"items":[${texts.join(',')}]}`;
    const answer = await once(this.#connection, { operation: 'worker.steps', body }, this.#answerMs);
    const answers = listOf(answer.items).map(wireOf);
    const again: Pending[] = [];
    for (const [index, item] of items.entries()) {
      const recorded = itemRecorded(answers[index], item[0].leased);
      // One step of several may be the reason for which all are refused.
      const isOfJob = recorded.status === 404 || (recorded.status === 409 && recorded.code !== 'token_taken');
      const isUnclear = recorded.status >= 400 && !isOfJob && item.length > 1;
      if (isUnclear) await Promise.all(item.map((one) => this.#send([one])));
      else if (finalStatuses.includes(recorded.status)) for (const one of item) one.resolve(recorded);
      else again.push(...item);
    }
    return again;
  }

  /** One item may be the reason for which the whole request is refused. */
  async #refused(batch: readonly Pending[], error: unknown): Promise<void> {
    if (batch.length === 1) batch[0]?.reject(error);
    else await Promise.all(batch.map((one) => this.#send([one])));
  }

  get #answerMs(): number {
    return Math.min(answerMs, this.#connection.timeoutMs);
  }
}

const finalStatuses: readonly number[] = [200, 404, 409, 413, 422];

/** The records of one job share an item. */
function itemsOf(batch: readonly Pending[]): readonly [Pending, ...Pending[]][] {
  const items: [Pending, ...Pending[]][] = [];
  const open = new Map<LeasedJob, { readonly item: Pending[]; count: number }>();
  for (const one of batch) {
    const last = open.get(one.leased);
    if (last !== undefined && last.count + one.steps.length <= stepLimits.rows) {
      last.item.push(one);
      last.count += one.steps.length;
      continue;
    }
    const item: [Pending] = [one];
    items.push(item);
    open.set(one.leased, { item, count: one.steps.length });
  }
  return items;
}

function itemRecorded(item: Wire | undefined, leased: LeasedJob): ItemRecorded {
  if (item?.job_id !== leased.id) return { status: 503, code: '', message: '', details: undefined, steps: [] };
  const error = wireOf(item.error);
  return {
    status: numberOf(item.status) ?? 503,
    code: textOf(error?.code) ?? '',
    message: textOf(item.message) ?? textOf(error?.message) ?? '',
    details: wireOf(error?.details),
    steps: listOf(item.steps)
      .map(wireOf)
      .filter((step) => step !== undefined),
  };
}
