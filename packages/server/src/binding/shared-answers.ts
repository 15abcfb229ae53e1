import type { OperationName } from '@ojs-ts/core/operations';
import type { Turns } from '../engine/turns.ts';
import type { BindingRequest } from './handler.ts';
import type { Reply } from './reply.ts';

/** Calls in a second for the same answer, from which on it is shared. Scripts and single pages stay below. */
const many = 20;
/** The maximum age of a shared answer, in milliseconds. */
const freshMs = 1_000;

/** Pages of dashboards ask for these all the time. Their handlers read only path, query and rights of a request. */
const shareable: ReadonlySet<OperationName> = new Set([
  'queue.list',
  'queue.get',
  'queue.stats',
  'admin.queues',
  'admin.queue',
  'admin.errors',
  'admin.stats',
  'admin.history',
]);

/** The calls for one answer in one second. */
interface Demand {
  readonly since: number;
  readonly before: number;
  calls: number;
  answer: Promise<Reply> | null;
}

/**
 * Answers for many dashboards. As long as few callers ask for the same answer, each gets its own, so a caller sees its
 * own change at once. Beyond that the answer is made once a second for all who have the same rights, and delivered when
 * nothing else has to be done.
 */
export class SharedAnswers {
  readonly #turns: Turns;
  /** By when they began. */
  readonly #demands = new Map<string, Demand>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** @param now in milliseconds, by a steady clock. */
  get(
    operation: OperationName,
    { params, query, grant }: Pick<BindingRequest, 'params' | 'query' | 'grant'>,
    make: () => Reply | Promise<Reply>,
    now = performance.now(),
  ): Reply | Promise<Reply> {
    if (!shareable.has(operation)) return make();
    const demand = this.#demand(JSON.stringify([operation, params, query, grant]), now);
    demand.calls++;
    return Math.max(demand.calls, demand.before) > many ? this.#share(demand, make) : make();
  }

  async #share(demand: Demand, make: () => Reply | Promise<Reply>): Promise<Reply> {
    const answer = demand.answer ?? Promise.resolve(make());
    demand.answer = answer;
    answer.catch(() => {
      if (demand.answer === answer) demand.answer = null;
    });
    const reply = await answer;
    await this.#turns.next();
    return reply;
  }

  #demand(key: string, now: number): Demand {
    const last = this.#demands.get(key);
    if (last !== undefined && now - last.since < freshMs) return last;
    const isRecent = last !== undefined && now - last.since < 2 * freshMs;
    const demand: Demand = { since: now, before: isRecent ? last.calls : 0, calls: 0, answer: null };
    this.#demands.delete(key);
    for (const [old, { since }] of this.#demands) {
      if (now - since < 2 * freshMs) break;
      this.#demands.delete(old);
    }
    this.#demands.set(key, demand);
    return demand;
  }
}
