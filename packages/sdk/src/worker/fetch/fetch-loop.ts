import { uuidv7 } from '@ojs-ts/core';
import type { Logger } from '../../connection/logger.ts';
import { backoffMs, macrotask, pause } from '../../connection/pause.ts';
import { OJSError } from '../../errors.ts';
import type { Delivery } from '../execution/delivery.ts';
import type { Isolation } from '../execution/isolation.ts';
import type { PendingOutcomes } from '../execution/pending-outcomes.ts';
import type { ConnectionLog } from '../worker-log.ts';
import { type Exchange, type ExchangeAnswer, type ExchangeRequest, type Fetch, itemAnswerOf } from './exchange.ts';
import { isAboutIdentity, isRefusal, isTooLarge, isUnclear, saysNoRoute } from './response-checks.ts';
import type { Slots } from './slots.ts';

/**
 * Requests with outcomes that may be in flight at once: one at the server, one on its way to the disk, one here.
 * Outcomes that end in between are collected for the next request, so batches grow with the load.
 */
const maxRequests = 3;
/** The server hands out no more in one `worker.exchange`, and in one fetch of the plain binding. */
const maxExchanged = 500;
const maxFetched = 100;
/**
 * If a network swallows the request or its answer, this worker gets no jobs until the wait and the time of an answer
 * are over: 15 s. No heartbeat notices an outage that lies between two of them.
 */
const longPollMs = 5_000;
/**
 * An empty answer to a long poll that came sooner than this shows a server that does not wait, or one that shuts down.
 */
const soonMs = 1_000;
/** So long a worker asks again for what a broken fetch has claimed. A connection that was cut fails at once. */
const resolveMs = 1_000;
/** So that a server that comes back is noticed within a second. */
const minRetryMs = 50;
const maxRetryMs = 1_000;

export interface FetchLoopServices {
  readonly slots: Slots;
  readonly outcomes: PendingOutcomes;
  readonly delivery: Delivery;
  readonly logger: Logger;
  readonly connectionLog: ConnectionLog;
  readonly isolation: Pick<Isolation, 'isClosed'>;
  readonly pollMs: number;
  /** Before a fetch is sent: until `endFetch` the server keeps its claims for this worker. */
  beginFetch(requestId: string): void;
  endFetch(requestId: string): void;
  begin(wire: ExchangeAnswer['jobs'][number], now: number): void;
  refuse(wire: ExchangeAnswer['jobs'][number], now: number): void;
  fetched(): void;
  /** Reports whether a request sent at that moment was in flight while the event loop was blocked. */
  stoodStill(sentAt: number): boolean;
  /** A request has ended. */
  changed(): void;
  /** Reports an error after which the loop cannot continue. */
  broken(error: unknown): void;
}

/**
 * Keeps the conversation with the server going. Outcomes go out at once, together with a fetch for the slots that they
 * freed; when the queues are empty one long poll stays open instead. No timer: a request starts when something ended.
 */
export class FetchLoop {
  readonly #services: FetchLoopServices;
  readonly #givenUp = new AbortController();
  /** Aborts the calls in flight. */
  #calls = new AbortController();
  #exchange: Exchange;
  readonly #plain: Exchange;
  #open = false;
  #answered = false;
  #scheduled = false;
  /**
   * This round of the event loop has delivered an answer. The next answer waits until the outcomes that follow are on
   * their way; otherwise requests would run in step.
   */
  #delivered = false;
  #requests = 0;
  /** Requests in flight that ask for jobs. */
  #fetching = 0;
  #poll: AbortController | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(services: FetchLoopServices, exchange: Exchange, plain: Exchange) {
    this.#services = services;
    this.#exchange = exchange;
    this.#plain = plain;
  }

  get extended(): boolean {
    return this.#exchange.extended;
  }

  get busy(): boolean {
    return this.#requests > 0 || this.#poll !== null;
  }

  /** From now on jobs are fetched. */
  open(): void {
    this.#open = true;
    clearTimeout(this.#patience);
    this.schedule();
  }

  /** No job is fetched from now on; the fetch in flight is aborted, and any job that it still brings goes back. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    const poll = this.#poll;
    if (poll === null) return;
    // A server without repeatable fetches would lose the jobs of a broken fetch until their lease ends; most answer at
    // once anyway.
    clearTimeout(this.#patience);
    if (this.#exchange.extended) poll.abort();
    else this.#patience = setTimeout(() => poll.abort(), soonMs);
  }

  /**
   * The server answers again after it did not: calls from before may hang in connections that neither side closed. They
   * go again at once, by the same request ids: where only heartbeats were slow, that costs a request. Not on a server
   * without repeatable fetches: there a fetch that is broken off loses the jobs that it claimed until their lease ends.
   */
  renew(): void {
    if (!this.#exchange.extended) return;
    const before = this.#calls;
    this.#calls = new AbortController();
    before.abort(new OJSError('The call may have been lost in an outage.'));
  }

  /** Ends everything, delivered or not. */
  giveUp(): void {
    this.#givenUp.abort();
    this.#calls.abort();
    this.#poll?.abort();
  }

  /** After everything that ends in this round of the event loop. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    macrotask(() => {
      this.#scheduled = false;
      this.#delivered = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { outcomes } = this.#services;
    while (outcomes.ready > 0 && this.#requests < maxRequests) {
      const items = outcomes.take();
      const fetch = this.#exchange.extended && this.#poll === null ? this.#wish(0) : null;
      this.#requests++;
      this.#start({ items, fetch }, this.#givenUp.signal, () => this.#requests--);
    }
    if (this.#poll === null && this.#fetching > 0 && this.#requests < maxRequests && this.#services.slots.wantsMore)
      this.#fetchBeside();
    if (this.#poll !== null || this.#fetching > 0 || (this.#exchange.extended && outcomes.ready > 0)) return;
    const fetch = this.#wish(this.#answered ? longPollMs : 0);
    if (fetch === null) return;
    this.#poll = new AbortController();
    this.#start({ items: [], fetch }, this.#poll.signal, () => {
      clearTimeout(this.#patience);
      this.#poll = null;
    });
  }

  /** A second fetch in parallel with a request in flight, so that slots have work until it is answered. */
  #fetchBeside(): void {
    const fetch = this.#wish(0);
    if (fetch === null) return;
    this.#requests++;
    this.#start({ items: [], fetch }, this.#givenUp.signal, () => this.#requests--);
  }

  #wish(waitMs: number): Fetch | null {
    if (!this.#open || this.#rest !== undefined || this.#services.isolation.isClosed) return null;
    const count = this.#services.slots.reserve(this.#exchange.extended ? maxExchanged : maxFetched);
    if (count === 0) return null;
    this.#fetching++;
    const requestId = uuidv7();
    this.#services.beginFetch(requestId);
    return { requestId, count, waitMs };
  }

  #start(request: ExchangeRequest, signal: AbortSignal, over: () => void): void {
    const { fetch } = request;
    const end = () => {
      over();
      if (fetch !== null) {
        this.#fetching--;
        this.#services.endFetch(fetch.requestId);
      }
      this.schedule();
      this.#services.changed();
    };
    this.#send(request, signal)
      .catch((error: unknown) => this.#services.broken(error))
      .then(end);
  }

  /** Sends the request until the server answers. Rejects only for a fetch that the server will never accept. */
  async #send(request: ExchangeRequest, signal: AbortSignal): Promise<void> {
    let { items, fetch } = request;
    for (let failures = 0; ; ) {
      // Another request may switch to the plain binding while this one is in flight.
      const exchange = this.#exchange;
      if (!exchange.extended && items.length > 0 && fetch !== null) return await this.#apart({ items, fetch }, signal);
      const sentAt = performance.now();
      try {
        const calls = this.#calls.signal;
        const answer = await exchange.send(
          { items, fetch },
          signal === this.#givenUp.signal ? calls : AbortSignal.any([signal, calls]),
        );
        this.#services.connectionLog.answered('exchange');
        while (this.#delivered) await new Promise<void>((resolve) => macrotask(resolve));
        return this.#deliver({ items, fetch }, answer, sentAt);
      } catch (error) {
        if (signal.aborted) return await this.#broken({ items, fetch });
        if (exchange.extended && saysNoRoute(error)) {
          this.#useFallback();
          continue;
        }
        if (exchange.extended && fetch !== null && isUnclear(error)) {
          const answer = await this.#tryPlain(fetch, signal);
          if (answer !== null) {
            this.#useFallback();
            this.#deliver({ items: [], fetch: { ...fetch, waitMs: 0 } }, answer, sentAt);
            fetch = null;
            if (items.length === 0) return;
            continue;
          }
          if (signal.aborted) return await this.#broken({ items, fetch });
        }
        const characters = items.reduce((sum, { entry }) => sum + entry.length, 0);
        if (isRefusal(error) || isTooLarge(error, characters)) {
          if (items.length + (fetch === null ? 0 : 1) > 1) return await this.#apart({ items, fetch }, signal);
          const [item] = items;
          if (item === undefined) throw error;
          return this.#services.delivery.answered(item, itemAnswerOf(error, characters));
        }
        if (!this.#answered && isAboutIdentity(error)) throw error;
        failures++;
        // The repeat brings the jobs of the lost answer, or none. The next fetch, under an id of its own, waits for
        // more.
        if (fetch !== null) fetch = { ...fetch, waitMs: 0 };
        this.#services.connectionLog.failed('exchange', error, { failures });
        await pause(Math.min(backoffMs(failures, minRetryMs, maxRetryMs / 1.5), maxRetryMs), signal);
        if (signal.aborted) return await this.#broken({ items, fetch });
        // After the pause: a handler may have blocked the event loop, and what the heartbeat thread says of leases
        // comes in only now.
        items = this.#services.delivery.stillDue(items);
        if (items.length === 0 && fetch === null) return;
        // Nothing waits for its answer any more, and stop() must not.
        if (items.length === 0 && !this.#open) return await this.#broken({ items, fetch });
      }
    }
  }

  #deliver(request: ExchangeRequest, answer: ExchangeAnswer, sentAt: number): void {
    const services = this.#services;
    const now = performance.now();
    this.#delivered = true;
    this.schedule();
    request.items.forEach((leased, index) => {
      services.delivery.answered(leased, answer.items[index]);
    });
    // Elsewhere a job that was fetched ahead could not be given back uncounted.
    if (request.items.length > 0 && this.#exchange.extended) services.slots.answered(request.items, now - sentAt);
    if (request.fetch === null) return;
    services.slots.release(request.fetch.count);
    // The queues are empty: the next jobs may be of another kind, and other workers have slots for them.
    if (answer.jobs.length < request.fetch.count) services.slots.holdBack();
    this.#answered = true;
    services.fetched();
    // Only a server that takes jobs back uncounted gets them back for a doubt.
    const takes = this.#open && !(this.#exchange.extended && services.stoodStill(sentAt));
    for (const wire of answer.jobs) takes ? services.begin(wire, now) : services.refuse(wire, now);
    if (answer.jobs.length === 0 && request.fetch.waitMs > 0 && now - sentAt < soonMs) this.#restFor(this.#restMs());
  }

  /**
   * The request was aborted, and its fetch may have claimed jobs. A repeat by the same id brings them, and they go back
   * to their queue.
   */
  async #broken({ items, fetch }: ExchangeRequest): Promise<void> {
    this.#services.delivery.abandon(items);
    if (fetch === null) return;
    this.#services.slots.release(fetch.count);
    // Jobs of a late answer are given back, never started.
    this.#services.endFetch(fetch.requestId);
    if (!this.#exchange.extended) return;
    const { signal } = this.#givenUp;
    const from = performance.now();
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const answer = await this.#exchange.send({ items: [], fetch: { ...fetch, count: 1, waitMs: 0 } }, signal);
        for (const wire of answer.jobs) this.#services.refuse(wire, performance.now());
        return;
      } catch (error) {
        // A worker that ends sends no more heartbeats: its jobs would wait until the server takes it for dead. A worker
        // that continues misses them in its heartbeats, and the server takes them back.
        const over = performance.now() - from > resolveMs;
        const what = over ? 'the server takes its jobs back' : 'it is asked for again';
        this.#services.logger.debug(`aborted fetch not resolved: ${what}`, { error: String(error) });
        if (over) return;
        await pause(backoffMs(failures, minRetryMs, maxRetryMs), signal);
      }
    }
  }

  /** Sends each outcome in a request of its own, because one of them made the server refuse all. */
  async #apart({ items, fetch }: ExchangeRequest, signal: AbortSignal): Promise<void> {
    for (const leased of items) await this.#send({ items: [leased], fetch: null }, signal);
    if (fetch !== null) await this.#send({ items: [], fetch }, signal);
  }

  #useFallback(): void {
    if (!this.#exchange.extended) return;
    this.#services.logger.info(
      'plain binding: the server has no worker.exchange; using fetch, ack, nack and heartbeat',
    );
    this.#exchange = this.#plain;
  }

  /**
   * Distinguishes a server whose framework answers unknown routes from a proxy in front of a server that restarts: only
   * the former has the plain fetch.
   */
  async #tryPlain(fetch: Fetch, signal: AbortSignal): Promise<ExchangeAnswer | null> {
    try {
      return await this.#plain.send({ items: [], fetch: { ...fetch, waitMs: 0 } }, signal);
    } catch (error) {
      this.#services.logger.debug('fetch failed: neither worker.exchange nor worker.fetch is answered', {
        error: String(error),
      });
      return null;
    }
  }

  /**
   * A server with long poll that answers at once is about to go: it is asked again sooner, so that its return is
   * noticed.
   */
  #restMs(): number {
    const base = this.#exchange.extended ? Math.min(this.#services.pollMs, maxRetryMs / 2) : this.#services.pollMs;
    return base * (0.8 + Math.random() * 0.4);
  }

  #restFor(ms: number): void {
    if (!this.#open) return;
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.schedule();
    }, ms);
  }
}
