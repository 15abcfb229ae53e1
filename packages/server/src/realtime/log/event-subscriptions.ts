import { type Millis, ProtocolError } from '@ojs-ts/core';
import type { EventBatch, EventEntry, EventKind, EventsRead } from '@ojs-ts/core/events';
import type { JobId } from '@ojs-ts/core/job';
import type { EngineLog } from '../../engine/options.ts';
import { Turns } from '../../engine/turns.ts';
import type { Storage } from '../../storage/storage.ts';
import { has } from './cursors.ts';
import { eventsOf, type LogEvent } from './log-events.ts';

/** The topic of a subscription: the events of one job, of one queue, or all. */
export type Topic = { readonly job: JobId } | { readonly queue: string } | 'all';

/** Events that a follower asked for and that are no longer there, or never were: the cursor is of another log. */
export interface Gap {
  readonly kind: 'gone' | 'unknown';
  /** The position at which the log is read again: the next event has a greater position. */
  readonly resumedAt: number;
  /** When the first event after the gap happened; null where there is none yet. */
  readonly until: Millis | null;
  /** Positions between the cursor and the place where the log is taken up again. */
  readonly missed: number;
}

export interface Follower {
  /** The kinds for `onReplay`: it gets at least the events of these kinds. Default: all. */
  readonly kinds?: readonly EventKind[] | undefined;
  /**
   * Called with every event in the order of the log. An error that it throws is logged and affects no other follower.
   */
  readonly onEvent: (event: LogEvent) => void;
  /**
   * Called before the first `onEvent`, in the same turn in which the follower joins: everything after this position
   * will be passed on.
   */
  readonly onLive?: (position: number) => void;
  /**
   * Called with the earlier events, oldest first; the next page is read when the promise resolves. Default: `onEvent`
   * for each.
   */
  readonly onReplay?: (events: readonly LogEvent[]) => Promise<void>;
  readonly onGap?: (gap: Gap) => Promise<void> | void;
}

export interface Subscription {
  /** Resolves when the subscription sees every later commit. Rejects when the log cannot be read. */
  readonly live: Promise<void>;
  /** Ends the subscription. Idempotent. */
  close(): void;
}

export interface EventSubscriptionsOptions {
  readonly storage: Storage;
  readonly log: EngineLog;
  /** False where the storage keeps no log: subscribing is refused. */
  readonly kept: boolean;
  /** The time after which the log is looked at without a wake-up, in milliseconds. Default 1,000. */
  readonly pollMs?: number;
}

/**
 * Between two looks at a log that grows all the time, in milliseconds; the first look after a quiet moment waits for
 * nothing.
 */
const restMs = 20;
/** Events of one read: about 1 ms of parsing. */
const page = 1_000;
/** Calls of followers in one turn: a third of a millisecond. */
const callsPerTurn = 1_000;
/** A replay goes back by at most this many positions; before them is a gap. Half a second of reading. */
const replayable = 100_000;
/** With more jobs followed than this, parsing a batch is cheaper than searching it for each of them. */
const fewJobs = 8;

/**
 * The one reader of the log in this process. While it has followers, it reads each batch once, after a wake-up or at
 * the poll, and passes its events to the followers of their job, of their queue and of everything. Without followers it
 * does nothing.
 */
export class EventSubscriptions {
  readonly #storage: Storage;
  readonly #log: EngineLog;
  readonly #kept: boolean;
  readonly #pollMs: number;
  readonly #all = new Set<Subscriber>();
  readonly #jobs = new Map<string, Set<Subscriber>>();
  readonly #queues = new Map<string, Set<Subscriber>>();
  /** Everybody who follows, or is still catching up. */
  readonly #subscribers = new Set<Subscriber>();
  /** Events are handed out, and written by connections, when nothing else has to be done. */
  readonly turns = new Turns();
  #calls = 0;
  /** Everything up to here was handed out. */
  #position = 0;
  /** The last batch that was handed out: a store that went back has another one there. */
  #last: Pick<EventBatch, 'position' | 'count' | 'at'> | null = null;
  #starting: Promise<void> | null = null;
  /** True once the position of the log is known, so that reading can continue there. */
  #started = false;
  #timer: NodeJS.Timeout | undefined;
  #reading = false;
  #again = false;
  #failing = false;

  constructor({ storage, log, kept, pollMs = 1_000 }: EventSubscriptionsOptions) {
    this.#storage = storage;
    this.#log = log;
    this.#kept = kept;
    this.#pollMs = pollMs;
  }

  get followers(): number {
    return this.#subscribers.size;
  }

  /** False where the storage keeps no log of events, so that there is nothing to follow. */
  get kept(): boolean {
    return this.#kept;
  }

  /** @throws ProtocolError `unsupported` where the storage keeps no log. */
  requireLog(): void {
    if (this.#kept) return;
    throw new ProtocolError(
      'unsupported',
      'This server keeps no log of events (OJS_EVENTS=false), so there is nothing to follow.',
    );
  }

  /**
   * Follows a topic from now on, or from the event after position `after`.
   * @throws ProtocolError `unsupported` where the storage keeps no log.
   */
  subscribe(topic: Topic, follower: Follower, after?: number): Subscription {
    this.requireLog();
    const subscriber = new Subscriber(topic, follower, () => this.#leave(subscriber));
    this.#subscribers.add(subscriber);
    this.#timer ??= setInterval(() => this.wake(), this.#pollMs).unref();
    const live = this.#join(subscriber, after).catch((error: unknown) => {
      subscriber.close();
      throw error;
    });
    // A caller that does not wait for it learns of a broken store by other calls.
    live.catch(() => {});
    return { live, close: () => subscriber.close() };
  }

  /** The positions of the first event that is kept and of the last one; the first is greater where none is kept. */
  ends(): Promise<{ readonly oldest: number; readonly newest: number }> {
    return this.#storage.events(Number.MAX_SAFE_INTEGER, 1);
  }

  /**
   * The events of a topic after position `after` that are in the log now, oldest first; at most the last `limit` of
   * them.
   */
  async collect(
    topic: Topic,
    after: number,
    limit: number,
  ): Promise<{ readonly events: readonly LogEvent[]; readonly gap: Gap | null }> {
    const { from, gap } = await this.#startOf(after);
    const { newest } = await this.ends();
    const events: LogEvent[] = [];
    for (let position = from; position < newest; ) {
      const read = await this.#page(topic, position);
      events.push(...read.events);
      events.splice(0, events.length - limit);
      if (read.position <= position) break;
      position = read.position;
    }
    return { events, gap };
  }

  /** The log may have grown. */
  wake(): void {
    if (!this.#started) return;
    if (this.#reading) this.#again = true;
    else void this.#read();
  }

  close(): void {
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  async #join(subscriber: Subscriber, after: number | undefined): Promise<void> {
    this.#starting ??= this.#start();
    await this.#starting;
    if (after === undefined) this.#enter(subscriber, this.#position);
    else await this.#catchUp(subscriber, after);
  }

  /**
   * Replays the events that other followers already have. The follower then joins in the same turn, so it misses none.
   */
  async #catchUp(subscriber: Subscriber, after: number): Promise<void> {
    let { from, gap } = await this.#startOf(after);
    if (gap !== null) await subscriber.follower.onGap?.(gap);
    while (from < this.#position && !subscriber.closed) {
      // A reader that is slower than the log grows must not fall behind for ever.
      if (this.#position - from > replayable) {
        ({ from, gap } = await this.#startOf(from));
        if (gap !== null) await subscriber.follower.onGap?.(gap);
      }
      const { events, position, pruned } = await this.#page(subscriber.topic, from, subscriber.follower.kinds);
      if (pruned !== null) await subscriber.follower.onGap?.(pruned);
      if (events.length > 0 && !subscriber.closed) await subscriber.replay(events);
      // Only a store that was emptied in between has nothing there.
      if (position <= from) break;
      from = position;
    }
    this.#enter(subscriber, from);
  }

  async #start(): Promise<void> {
    try {
      const { newest } = await this.ends();
      // A follower may have left and another come in between: the position already covers the events passed on since
      // then.
      if (!this.#started) this.#position = newest;
      this.#started = this.#subscribers.size > 0;
    } catch (error) {
      this.#starting = null;
      throw error;
    }
  }

  async #startOf(after: number): Promise<{ readonly from: number; readonly gap: Gap | null }> {
    const { oldest, newest } = await this.ends();
    if (after > newest) return { from: newest, gap: { kind: 'unknown', resumedAt: newest, until: null, missed: 0 } };
    const from = Math.max(after, oldest - 1, newest - replayable);
    if (from === after) return { from, gap: null };
    const { batches } = await this.#storage.events(from, 1);
    return { from, gap: { kind: 'gone', resumedAt: from, until: batches[0]?.at ?? null, missed: from - after } };
  }

  /** The events of a topic, and at least of the kinds, in the next page of the log, and how far that page reaches. */
  async #page(
    topic: Topic,
    after: number,
    kinds?: readonly EventKind[],
  ): Promise<{ readonly events: readonly LogEvent[]; readonly position: number; readonly pruned: Gap | null }> {
    const read = await this.#storage.events(after, page, kinds);
    const { batches, reached } = read;
    const needle = topic === 'all' ? '' : 'job' in topic ? topic.job : topic.queue;
    const events = batches
      .filter(({ entries }) => entries.includes(needle))
      .flatMap((batch) => eventsOf(batch).filter((event) => event.position > after && isOf(topic, event.entry)));
    return { events, position: reached, pruned: prunedAfter(after, read) };
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      do {
        this.#again = false;
        while (await this.#readPage());
        // Under load the log grows with every commit. A look at each of them would take the store's time for events
        // that no reader needs sooner.
        if (this.#again) await new Promise((resolve) => setTimeout(resolve, restMs));
      } while (this.#again);
      if (this.#failing) this.#log.info({}, 'event log readable again');
      this.#failing = false;
    } catch (error) {
      // The failure is logged once, not every second; the poll tries again.
      if (!this.#failing) this.#log.warn({ err: error }, 'event log unreadable');
      this.#failing = true;
    } finally {
      this.#reading = false;
    }
  }

  /** False where there was nothing more to read. */
  async #readPage(): Promise<boolean> {
    const from = this.#position;
    // With the last batch once more: a log that went back and has grown again is as long as before.
    const last = this.#last;
    const read = await this.#storage.events(last === null ? from : from - 1, page + (last === null ? 0 : last.count));
    const { batches, newest } = read;
    if (this.#subscribers.size === 0) return false;
    if (from > newest && from === this.#position) {
      // The store was emptied, or went back: everything in it is news.
      this.#position = 0;
      for (const subscriber of this.#subscribers) subscriber.after = 0;
      this.#tellGap();
      return newest > 0;
    }
    if (last !== null && batches.some((batch) => has(batch, from) && batch.at !== last.at)) this.#tellGap();
    const pruned = from === this.#position ? prunedAfter(from, read) : null;
    if (pruned !== null) {
      this.#position = pruned.resumedAt;
      this.#last = null;
      // A follower that is still catching up meets the gap itself.
      for (const subscriber of this.#subscribers) if (subscriber.joined) this.#tell(subscriber, pruned);
    }
    const news = batches.filter(({ position, count }) => position + count > from + 1);
    for (const batch of news) await this.#deliver(batch);
    return news.length > 0;
  }

  #tellGap(): void {
    this.#last = null;
    const gap: Gap = { kind: 'unknown', resumedAt: this.#position, until: null, missed: 0 };
    for (const subscriber of this.#subscribers) this.#tell(subscriber, gap);
  }

  #tell({ follower }: Subscriber, gap: Gap): void {
    const tell = async () => follower.onGap?.(gap);
    tell().catch((error: unknown) => this.#log.error({ err: error }, 'event subscriber failed'));
  }

  async #deliver(batch: EventBatch): Promise<void> {
    const last = batch.position + batch.count - 1;
    if (this.#concerns(batch)) {
      for (const event of eventsOf(batch)) {
        if (this.#calls >= callsPerTurn) {
          this.#calls = 0;
          await this.turns.next();
        }
        const [, subject, type, queue] = event.entry;
        this.#notify(this.#all, event);
        if (queue !== '' && this.#queues.size > 0) this.#notify(this.#queues.get(queue), event);
        if (type !== null && subject !== null && this.#jobs.size > 0) this.#notify(this.#jobs.get(subject), event);
        // A follower that joins between two events gets the second.
        this.#position = Math.max(this.#position, event.position);
      }
    }
    if (last < this.#position) return;
    this.#position = last;
    // Not the batch itself: its entries may be large.
    this.#last = { position: batch.position, count: batch.count, at: batch.at };
  }

  /** Searching the text of a batch costs a hundredth of parsing it. */
  #concerns({ entries }: EventBatch): boolean {
    if (this.#all.size > 0 || this.#queues.size > 0 || this.#jobs.size > fewJobs) return true;
    for (const job of this.#jobs.keys()) if (entries.includes(job)) return true;
    return false;
  }

  #notify(subscribers: ReadonlySet<Subscriber> | undefined, event: LogEvent): void {
    if (subscribers === undefined) return;
    this.#calls += subscribers.size;
    for (const subscriber of subscribers) {
      if (subscriber.closed || event.position <= subscriber.after) continue;
      try {
        subscriber.follower.onEvent(event);
      } catch (error) {
        this.#log.error({ err: error }, 'event subscriber failed');
      }
    }
  }

  #enter(subscriber: Subscriber, from: number): void {
    if (subscriber.closed) return;
    subscriber.after = Math.max(from, this.#position);
    subscriber.joined = true;
    const { topic } = subscriber;
    if (topic === 'all') this.#all.add(subscriber);
    else {
      const [map, key] = 'job' in topic ? [this.#jobs, topic.job] : [this.#queues, topic.queue];
      const set = map.get(key);
      if (set === undefined) map.set(key, new Set([subscriber]));
      else set.add(subscriber);
    }
    subscriber.follower.onLive?.(subscriber.after);
    // A wake-up that came before anybody had entered was for nothing.
    this.wake();
  }

  #leave(subscriber: Subscriber): void {
    const { topic } = subscriber;
    this.#subscribers.delete(subscriber);
    this.#all.delete(subscriber);
    if (topic !== 'all') {
      const [map, key] = 'job' in topic ? [this.#jobs, topic.job] : [this.#queues, topic.queue];
      const set = map.get(key);
      set?.delete(subscriber);
      if (set?.size === 0) map.delete(key);
    }
    if (this.#subscribers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#starting = null;
    this.#started = false;
    this.#last = null;
  }
}

class Subscriber {
  readonly topic: Topic;
  readonly follower: Follower;
  readonly #leave: () => void;
  /** Events up to here were replayed, or are none of this follower's. */
  after = 0;
  /** True once it gets the events of the one reader, and no longer reads the log itself. */
  joined = false;
  closed = false;

  constructor(topic: Topic, follower: Follower, leave: () => void) {
    this.topic = topic;
    this.follower = follower;
    this.#leave = leave;
  }

  async replay(events: readonly LogEvent[]): Promise<void> {
    if (this.follower.onReplay !== undefined) return this.follower.onReplay(events);
    for (const event of events) if (!this.closed) this.follower.onEvent(event);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#leave();
  }
}

/** The gap where the log was pruned in front of a reader that has all events up to `after`. */
function prunedAfter(after: number, { batches, oldest }: EventsRead): Gap | null {
  const resumedAt = oldest - 1;
  if (resumedAt <= after) return null;
  return { kind: 'gone', resumedAt, until: batches[0]?.at ?? null, missed: resumedAt - after };
}

function isOf(topic: Topic, [, subject, type, queue]: EventEntry): boolean {
  if (topic === 'all') return true;
  return 'job' in topic ? type !== null && subject === topic.job : queue === topic.queue;
}
