import { uuidv7 } from '@ojs-ts/core';
import type { Logger } from '../connection/logger.ts';
import { backoffMs } from '../connection/pause.ts';
import { OJSError } from '../errors.ts';
import type { Delivery } from './delivery.ts';
import { type Fetch, itemAnswerOf, type Link, type Turn, type TurnAnswer } from './link.ts';
import type { Outbox } from './outbox.ts';
import { macrotask, pause } from './pause.ts';
import type { Reach } from './reach.ts';
import { isAboutIdentity, isRefusal, isTooLarge, isUnclear, saysNoRoute } from './refusals.ts';
import type { Slots } from './slots.ts';

/**
 * Turns that carry outcomes and are under way at once: one at the server, one on its way to the disk, one here. While they are, what ends is collected for the
 * next: batches grow with the load.
 */
const maxLanes = 3;
/** The server hands out no more in one fetch. */
const maxFetch = 100;
const longPollMs = 20_000;
/** An empty answer to a long poll that came sooner than this shows a server that does not wait, or one that shuts down. */
const soonMs = 1_000;
/** So that a server that comes back is noticed within a second. */
const minRetryMs = 50;
const maxRetryMs = 1_000;

export interface TurnsServices {
  readonly slots: Slots;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly logger: Logger;
  readonly reach: Reach;
  readonly pollMs: number;
  begin(wire: TurnAnswer['jobs'][number], now: number): void;
  refuse(wire: TurnAnswer['jobs'][number], now: number): void;
  fetched(): void;
  /** Whether what was sent at that moment was under way while the event loop stood still. */
  stoodStill(sentAt: number): boolean;
  /** A turn is over. */
  changed(): void;
  /** Nothing can go on. */
  broken(error: unknown): void;
}

/**
 * Keeps the conversation with the server going. Outcomes go out at once, together with a fetch for the slots that they freed; when
 * the queues are empty one long poll stays open instead. No timer: a turn starts when something ended.
 */
export class Turns {
  readonly #services: TurnsServices;
  readonly #givenUp = new AbortController();
  /** Of the calls under way. */
  #line = new AbortController();
  #link: Link;
  readonly #plain: Link;
  #open = false;
  #answered = false;
  #scheduled = false;
  /** An answer was taken in this round of the event loop; the next one waits until what ended by it is on its way, or turns would fall into step. */
  #took = false;
  #lanes = 0;
  /** Turns under way that ask for jobs. */
  #fetching = 0;
  #poll: AbortController | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(services: TurnsServices, exchange: Link, plain: Link) {
    this.#services = services;
    this.#link = exchange;
    this.#plain = plain;
  }

  get extended(): boolean {
    return this.#link.extended;
  }

  get busy(): boolean {
    return this.#lanes > 0 || this.#poll !== null;
  }

  /** From now on jobs are fetched. */
  open(): void {
    this.#open = true;
    clearTimeout(this.#patience);
    this.schedule();
  }

  /** No job is fetched from now on; the fetch under way is broken off, and what it brings all the same goes back. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    const poll = this.#poll;
    if (poll === null) return;
    // A server without repeatable fetches would lose the jobs of a broken fetch until their lease ends; most answer at once anyway.
    clearTimeout(this.#patience);
    if (this.#link.extended) poll.abort();
    else this.#patience = setTimeout(() => poll.abort(), soonMs);
  }

  /**
   * The server answers again after it did not: calls from before may hang in connections that nobody closed, where a long poll would be missed only
   * after half a minute. They go again at once, by the same request ids: where only heartbeats were slow, that costs a request.
   * Not on a server without repeatable fetches: there a fetch that is broken off loses the jobs that it claimed until their lease ends.
   */
  renew(): void {
    if (!this.#link.extended) return;
    const before = this.#line;
    this.#line = new AbortController();
    before.abort(new OJSError('The call may have been lost in an outage.'));
  }

  /** Ends everything, delivered or not. */
  giveUp(): void {
    this.#givenUp.abort();
    this.#line.abort();
    this.#poll?.abort();
  }

  /** After everything that ends in this round of the event loop. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    macrotask(() => {
      this.#scheduled = false;
      this.#took = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { outbox } = this.#services;
    while (outbox.ready > 0 && this.#lanes < maxLanes) {
      const items = outbox.take();
      const fetch = this.#link.extended && this.#poll === null ? this.#wish(0) : null;
      this.#lanes++;
      this.#start({ items, fetch }, this.#givenUp.signal, () => this.#lanes--);
    }
    if (this.#poll === null && this.#fetching > 0 && this.#lanes < maxLanes && this.#services.slots.lacksTurn)
      this.#fetchBeside();
    if (this.#poll !== null || this.#fetching > 0 || (this.#link.extended && outbox.ready > 0)) return;
    const fetch = this.#wish(this.#answered ? longPollMs : 0);
    if (fetch === null) return;
    this.#poll = new AbortController();
    this.#start({ items: [], fetch }, this.#poll.signal, () => {
      clearTimeout(this.#patience);
      this.#poll = null;
    });
  }

  /** Beside a turn under way, so that there is something to do until it is answered, and the server has the next one by then. */
  #fetchBeside(): void {
    const fetch = this.#wish(0);
    if (fetch === null) return;
    this.#lanes++;
    this.#start({ items: [], fetch }, this.#givenUp.signal, () => this.#lanes--);
  }

  #wish(waitMs: number): Fetch | null {
    if (!this.#open || this.#rest !== undefined) return null;
    const count = this.#services.slots.reserve(maxFetch);
    if (count === 0) return null;
    this.#fetching++;
    return { requestId: uuidv7(), count, waitMs };
  }

  #start(turn: Turn, signal: AbortSignal, over: () => void): void {
    const { fetch } = turn;
    const end = () => {
      over();
      if (fetch !== null) this.#fetching--;
      this.schedule();
      this.#services.changed();
    };
    this.#carryOut(turn, signal)
      .catch((error: unknown) => this.#services.broken(error))
      .then(end);
  }

  /** Sends the turn until it was answered. Only a fetch that the server will never accept makes it reject. */
  async #carryOut(turn: Turn, signal: AbortSignal): Promise<void> {
    let { items, fetch } = turn;
    for (let failures = 0; ; ) {
      // Another turn may change the link while this one is under way.
      const link = this.#link;
      if (!link.extended && items.length > 0 && fetch !== null) return await this.#apart({ items, fetch }, signal);
      const sentAt = performance.now();
      try {
        const line = this.#line.signal;
        const answer = await link.turn(
          { items, fetch },
          signal === this.#givenUp.signal ? line : AbortSignal.any([signal, line]),
        );
        this.#services.reach.answered('exchange');
        while (this.#took) await new Promise<void>((resolve) => macrotask(resolve));
        return this.#deliver({ items, fetch }, answer, sentAt);
      } catch (error) {
        if (signal.aborted) return await this.#broken({ items, fetch });
        if (link.extended && saysNoRoute(error)) {
          this.#useFallback();
          continue;
        }
        if (link.extended && fetch !== null && isUnclear(error)) {
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
        // Asked again it brings what the lost answer held, or nothing: waiting for more is the next fetch's, under an id of its own.
        if (fetch !== null) fetch = { ...fetch, waitMs: 0 };
        this.#services.reach.failed('exchange', error, { failures });
        await pause(Math.min(backoffMs(failures, minRetryMs, maxRetryMs / 1.5), maxRetryMs), signal);
        if (signal.aborted) return await this.#broken({ items, fetch });
        // After the pause: a handler may have blocked the event loop, and what the heartbeat thread says of leases comes in only now.
        items = this.#services.delivery.stillDue(items);
        if (items.length === 0 && fetch === null) return;
        // Nothing waits for its answer any more, and stop() must not.
        if (items.length === 0 && !this.#open) return await this.#broken({ items, fetch });
      }
    }
  }

  #deliver(turn: Turn, answer: TurnAnswer, sentAt: number): void {
    const services = this.#services;
    const now = performance.now();
    this.#took = true;
    this.schedule();
    for (const [index, held] of turn.items.entries()) services.delivery.answered(held, answer.items[index]);
    // Elsewhere a job that was fetched ahead could not be given back uncounted.
    if (turn.items.length > 0 && this.#link.extended) services.slots.turned(turn.items, now - sentAt);
    if (turn.fetch === null) return;
    services.slots.release(turn.fetch.count);
    // The queues are empty: the next jobs may be of another kind, and other workers have slots for them.
    if (answer.jobs.length < turn.fetch.count) services.slots.holdBack();
    this.#answered = true;
    services.fetched();
    // Only a server that takes jobs back uncounted gets them back for a doubt.
    const takes = this.#open && !(this.#link.extended && services.stoodStill(sentAt));
    for (const wire of answer.jobs) takes ? services.begin(wire, now) : services.refuse(wire, now);
    if (answer.jobs.length === 0 && turn.fetch.waitMs > 0 && now - sentAt < soonMs) this.#restFor(this.#restMs());
  }

  /** The turn was broken off: its fetch may have claimed jobs. Asking again by its own id brings them, and they go back to their queue. */
  async #broken({ items, fetch }: Turn): Promise<void> {
    this.#services.delivery.abandon(items);
    if (fetch === null) return;
    this.#services.slots.release(fetch.count);
    if (!this.#link.extended || this.#givenUp.signal.aborted) return;
    try {
      const answer = await this.#link.turn(
        { items: [], fetch: { ...fetch, count: 1, waitMs: 0 } },
        this.#givenUp.signal,
      );
      for (const wire of answer.jobs) this.#services.refuse(wire, performance.now());
    } catch (error) {
      // The server misses such jobs in the heartbeats and takes them back by itself.
      this.#services.logger.debug('fetch broken off: it could not be looked up', { error: String(error) });
    }
  }

  /** One of them made the server refuse all: each goes by itself. */
  async #apart({ items, fetch }: Turn, signal: AbortSignal): Promise<void> {
    for (const held of items) await this.#carryOut({ items: [held], fetch: null }, signal);
    if (fetch !== null) await this.#carryOut({ items: [], fetch }, signal);
  }

  #useFallback(): void {
    if (!this.#link.extended) return;
    this.#services.logger.info(
      'plain binding: the server has no worker.exchange; using fetch, ack, nack and heartbeat',
    );
    this.#link = this.#plain;
  }

  /** Tells a server whose framework answers unknown routes from a proxy in front of a server that restarts: only the former has the plain fetch. */
  async #tryPlain(fetch: Fetch, signal: AbortSignal): Promise<TurnAnswer | null> {
    try {
      return await this.#plain.turn({ items: [], fetch: { ...fetch, waitMs: 0 } }, signal);
    } catch (error) {
      this.#services.logger.debug('fetch failed: neither worker.exchange nor worker.fetch is answered', {
        error: String(error),
      });
      return null;
    }
  }

  /** A server with long poll that answers at once is about to go: it is asked again sooner, so that its return is noticed. */
  #restMs(): number {
    const base = this.#link.extended ? Math.min(this.#services.pollMs, maxRetryMs / 2) : this.#services.pollMs;
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
