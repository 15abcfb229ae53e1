import { formatTimestamp } from '@ojs-ts/core';
import type { EventKind } from '@ojs-ts/core/events';
import type { Parts } from '../../engine/engine.ts';
import { cursorText, placeOf, readCursor, timeAt } from '../log/cursors.ts';
import type { Gap, Subscription } from '../log/event-subscriptions.ts';
import type { LogEvent } from '../log/log-events.ts';
import { type Channel, everything, type Found, find, topicOf } from './channel.ts';
import { finishedEvents, gapData, isFinished } from './finished.ts';
import { Outbox } from './outbox.ts';
import { Pace } from './pace.ts';
import { lastChange, type Message, type Renderer } from './render.ts';
import {
  type Filter,
  type Item,
  idOf,
  itemsOf,
  kindsFor,
  logSelector,
  type Select,
  selector,
  wantsChanges,
} from './selection.ts';

type Engine = Parts<'clock' | 'jobs' | 'queueSettings' | 'queues' | 'storage' | 'subscriptions'>;

/** A subscription as its client knows it. */
export interface Target {
  readonly channel: string;
  /** Present for the view of the whole log, whose events go out as bare envelopes (ojs-events §6.2). */
  readonly subscriptionId: string | null;
}

export interface Delivery {
  readonly to: Target;
  readonly message: Message;
  /** The content of a `system.events_dropped`. */
  readonly dropped: Dropped | null;
}

export interface Dropped {
  readonly count: number;
  readonly oldest: string;
  readonly newest: string;
}

export interface Sink {
  /**
   * Hands messages to the transport; kept when the transport has taken them, which is how a slow reader is noticed.
   * Never rejected.
   */
  write(deliveries: readonly Delivery[]): Promise<void>;
  /** Nothing more will be written. */
  end(): void;
}

export interface ConnectionOptions {
  /** Events that may wait for a slow reader before the oldest goes (ojs-realtime §5.4). */
  readonly bufferSize: number;
  /**
   * Events a second that a connection gets once a burst of `bufferSize` is used up; 0 for all of them (ojs-realtime
   * §5.7).
   */
  readonly ratePerSecond: number;
}

/** Messages of one write, about 60 KB: what a client that never reads makes this server hold, beside the buffer. */
const chunk = 250;
/** The cursor of a client whose id this log cannot know: it is beyond the end, and the log answers with a gap. */
const unknown = Number.MAX_SAFE_INTEGER;

interface Followed {
  readonly target: Target;
  readonly channel: Channel;
  readonly found: Found;
  /** The stream ends with the job. */
  readonly untilEnd: boolean;
  select: Select;
  /** See {@link kindsFor}. */
  kinds: readonly EventKind[] | undefined;
  subscription: Subscription | null;
  dropped: { count: number; readonly oldest: Item; newest: Item } | null;
}

type Waiting = Item & { readonly followed: Followed };

/**
 * Follows the log for one client. Between log and client there are a bounded buffer, a rate, and notices of events that
 * did not fit.
 */
export class Connection {
  readonly #engine: Engine;
  readonly #renderer: Renderer;
  readonly #seed: number;
  readonly #sink: Sink;
  readonly #outbox: Outbox<Waiting>;
  readonly #pace: Pace;
  readonly #followed = new Map<string, Followed>();
  /** Opened by `run`: nothing is written before. */
  readonly #gate = Promise.withResolvers<void>();
  #prepared: readonly Delivery[] = [];
  #finished = false;
  #closed = false;
  #lastId = '0';
  /** Ends the waits for the rate. */
  readonly #pauses = new Set<() => void>();

  constructor(parts: {
    readonly engine: Engine;
    readonly renderer: Renderer;
    readonly seed: number;
    readonly sink: Sink;
    readonly options: ConnectionOptions;
  }) {
    const { bufferSize, ratePerSecond } = parts.options;
    this.#engine = parts.engine;
    this.#renderer = parts.renderer;
    this.#seed = parts.seed;
    this.#sink = parts.sink;
    this.#outbox = new Outbox(bufferSize, noteDropped);
    this.#pace = new Pace(ratePerSecond, bufferSize, performance.now());
  }

  /** The id after which a client continues: the last message, or the end of the log when it came. */
  get lastId(): string {
    return this.#lastId;
  }

  get subscriptions(): number {
    return this.#followed.size;
  }

  /**
   * One channel for a client that gets nothing else (SSE); the stream of a job ends with the job. Answers false if
   * there is nothing to send and never will be: the job is finished, and the client has seen its end.
   * @throws ProtocolError `not_found`
   */
  async openStream(channel: Channel, filter: Filter, cursor: string | null): Promise<boolean> {
    const after = cursor === null ? null : await this.positionOf(cursor);
    const found = await find(this.#engine, channel);
    if (isFinished(found.job)) return this.#prepare(channel, found, filter, after);
    const target = { channel: channel.name, subscriptionId: null };
    const followed = this.#add(channel.name, target, channel, found, filter, selector(filter), channel.kind === 'job');
    if (after !== null) {
      if (after !== unknown) this.#lastId = Number.isNaN(Number(cursor)) ? `${after}` : `${cursor}`;
      this.#replay(followed, after);
      return true;
    }
    await this.#follow(followed, null).live;
    const began = Number(this.#lastId);
    this.#lastId = cursorText(began, await timeAt(this.#engine.storage, began));
    if (channel.kind === 'job' && !this.#finished) {
      // It may have ended between the look and the subscription: then its end is in the record and not among the
      // events.
      const again = await find(this.#engine, channel);
      if (isFinished(again.job)) {
        this.unsubscribe(channel.name);
        await this.#prepare(channel, again, filter, null);
      }
    }
    return true;
  }

  /**
   * Adds a channel, or replaces the filter of one. `live` is called when everything that is committed from then on will
   * be sent, and before any of it is.
   * @throws ProtocolError `not_found`
   */
  async subscribe(channel: Channel, filter: Filter, after: number | null, live: () => void): Promise<void> {
    const found = await find(this.#engine, channel);
    const existing = this.#followed.get(channel.name);
    if (existing && after === null) {
      existing.select = selector(filter);
      existing.kinds = kindsFor(filter);
      live();
      return;
    }
    this.unsubscribe(channel.name);
    const followed = this.#add(
      channel.name,
      { channel: channel.name, subscriptionId: null },
      channel,
      found,
      filter,
      selector(filter),
      false,
    );
    await this.#begin(followed, after, live);
    if (after !== null || channel.kind !== 'job') return;
    const { job } = await find(this.#engine, channel);
    if (isFinished(job) && wantsChanges(filter)) {
      await this.#deliver([{ to: followed.target, message: { id: this.lastId, ...lastChange(job) }, dropped: null }]);
    }
  }

  /** Adds a view of the whole log as it is (ojs-events §6.2). */
  async subscribeLog(subscriptionId: string, filter: Filter, after: number | null, live: () => void): Promise<void> {
    const found = await find(this.#engine, everything);
    const followed = this.#add(
      subscriptionId,
      { channel: 'events', subscriptionId },
      everything,
      found,
      filter,
      logSelector(filter),
      false,
    );
    await this.#begin(followed, after, live);
  }

  /** By channel, or by the id of a subscription; false where there is none. */
  unsubscribe(key: string): boolean {
    const followed = this.#followed.get(key);
    followed?.subscription?.close();
    if (followed) followed.subscription = null;
    return this.#followed.delete(key);
  }

  /** Sends every subscription the events after a position again (ojs-realtime §5.5.2). */
  resume(after: number): void {
    for (const followed of this.#followed.values()) {
      followed.subscription?.close();
      this.#replay(followed, after);
    }
  }

  /** The position that a client's id names; one beyond the end where this log cannot know it. */
  async positionOf(text: string): Promise<number> {
    const cursor = readCursor(text, this.#seed);
    const place = cursor === null ? 'foreign' : await placeOf(this.#engine.storage, cursor);
    return place === 'foreign' ? unknown : place;
  }

  /** Writes until the connection is closed or has sent everything. */
  async run(): Promise<void> {
    this.#gate.resolve();
    await this.#deliver(this.#prepared);
    while (!this.#closed) {
      if (this.#outbox.size === 0) {
        if (this.#finished) break;
        await this.#outbox.next();
        continue;
      }
      const room = Math.min(chunk, await this.#room());
      await this.#engine.subscriptions.turns.next();
      const taken = this.#outbox.take(room);
      const wanted = taken.filter(({ followed }) => followed.subscription !== null);
      this.#pace.spend(wanted.length);
      await this.#write([...this.#notices(), ...wanted.map((item) => this.#render(item.followed.target, item))]);
    }
    this.#end();
  }

  /**
   * Sends the client a notice that the server stops, and ends (ojs-realtime §5.1). Events that still wait are in the
   * log, for a client that continues after the last id.
   */
  async shutDown(reason: string, graceMs: number): Promise<void> {
    if (this.#closed) return;
    const [first] = this.#followed.values();
    const data = JSON.stringify({ reason, grace_period_ms: graceMs });
    const message = { name: 'server.shutdown', id: this.lastId, data, at: this.#engine.clock.now() };
    this.close();
    await this.#sink.write([
      { to: { channel: first?.channel.name ?? 'all', subscriptionId: null }, message, dropped: null },
    ]);
    this.#sink.end();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { subscription } of this.#followed.values()) subscription?.close();
    this.#gate.resolve();
    this.#outbox.wake();
    for (const end of this.#pauses) end();
  }

  /** Prepares the stream of a job that is finished; false if nothing is left to send. */
  async #prepare(channel: Channel, { began, job }: Found, filter: Filter, after: number | null): Promise<boolean> {
    if (job === null) return false;
    const to: Target = { channel: channel.name, subscriptionId: null };
    const ended = await finishedEvents(
      { subscriptions: this.#engine.subscriptions, renderer: this.#renderer },
      job,
      filter,
      after,
    );
    const gap = ended.gap === null ? [] : [this.#gap(to, ended.gap, began)];
    this.#prepared = [...gap, ...ended.messages.map((message) => ({ to, message, dropped: null }))];
    this.#lastId = `${ended.newest}`;
    this.#finished = true;
    return this.#prepared.length > 0;
  }

  #add(
    key: string,
    target: Target,
    channel: Channel,
    found: Found,
    filter: Filter,
    select: Select,
    untilEnd: boolean,
  ): Followed {
    const kinds = kindsFor(filter);
    const followed: Followed = { target, channel, found, untilEnd, select, kinds, subscription: null, dropped: null };
    this.#followed.set(key, followed);
    return followed;
  }

  /** With a cursor the client is answered before the replay, without one when its subscription is live. */
  async #begin(followed: Followed, after: number | null, live: () => void): Promise<void> {
    if (after === null) {
      await this.#follow(followed, null, live).live;
      return;
    }
    live();
    this.#replay(followed, after);
  }

  /**
   * A replay may take long and no caller waits for it. A log that cannot be read ends the connection: its client will
   * come again.
   */
  #replay(followed: Followed, after: number): void {
    this.#follow(followed, after).live.catch(() => this.#end());
  }

  #follow(followed: Followed, after: number | null, live?: () => void): Subscription {
    const { target, untilEnd, channel, found } = followed;
    const follower = {
      // The end of a job may be of any kind.
      kinds: untilEnd ? undefined : followed.kinds,
      onEvent: (event: LogEvent) => {
        const wanted = followed.select(event);
        if (wanted === 'both') this.#outbox.push({ followed, event, view: 'change', more: true });
        if (wanted !== 'nothing')
          this.#outbox.push({ followed, event, view: wanted === 'change' ? 'change' : 'event', more: false });
        if (untilEnd && event.ends) this.#finish(followed);
      },
      onLive: (position: number) => {
        if (this.#lastId === '0') this.#lastId = `${position}`;
        live?.();
      },
      onReplay: async (events: readonly LogEvent[]) => {
        const end = untilEnd ? events.findIndex(({ ends }) => ends) : -1;
        const items = (end < 0 ? events : events.slice(0, end + 1)).flatMap((event) =>
          itemsOf(event, followed.select(event)),
        );
        await this.#deliverEach(items, (item) => this.#render(target, item));
        if (end >= 0) this.#finish(followed);
      },
      onGap: (gap: Gap) => this.#deliver([this.#gap(target, gap, found.began)]),
    };
    const subscription = this.#engine.subscriptions.subscribe(topicOf(channel), follower, after ?? undefined);
    followed.subscription = subscription;
    if (this.#closed) subscription.close();
    return subscription;
  }

  #end(): void {
    if (!this.#closed) this.#sink.end();
    this.close();
  }

  #finish(followed: Followed): void {
    followed.subscription?.close();
    this.#finished = true;
    this.#outbox.wake();
  }

  #render(to: Target, item: Item): Delivery {
    const message = this.#renderer.item(item);
    return {
      to,
      message: to.subscriptionId === null ? message : { ...message, data: this.#renderer.envelope(item.event) },
      dropped: null,
    };
  }

  #gap(to: Target, gap: Gap, began: number): Delivery {
    const at = this.#engine.clock.now();
    const data = JSON.stringify(gapData(to.channel, gap, began, at));
    return { to, message: { name: 'system.gap', id: `${gap.resumedAt}`, data, at }, dropped: null };
  }

  /** The counts of dropped events since the last notices, by subscription (ojs-realtime §4.4). */
  #notices(): readonly Delivery[] {
    return [...this.#followed.values()].flatMap((followed) => {
      const { dropped, target } = followed;
      if (dropped === null) return [];
      followed.dropped = null;
      const at = this.#engine.clock.now();
      const notice: Dropped = { count: dropped.count, oldest: idOf(dropped.oldest), newest: idOf(dropped.newest) };
      const data = JSON.stringify({
        channel: target.channel,
        dropped_count: notice.count,
        oldest_dropped_id: notice.oldest,
        newest_dropped_id: notice.newest,
        timestamp: formatTimestamp(at),
      });
      return [{ to: target, message: { name: 'system.events_dropped', id: notice.newest, data, at }, dropped: notice }];
    });
  }

  #deliver(deliveries: readonly Delivery[]): Promise<void> {
    return this.#deliverEach(deliveries, (delivery) => delivery);
  }

  /**
   * Sends items that do not wait in the buffer, such as a replay: made and sent in chunks, as fast as the client reads.
   */
  async #deliverEach<T>(items: readonly T[], deliveryOf: (item: T) => Delivery): Promise<void> {
    await this.#gate.promise;
    for (let at = 0; at < items.length && !this.#closed; at += chunk)
      await this.#write(items.slice(at, at + chunk).map(deliveryOf));
  }

  async #write(deliveries: readonly Delivery[]): Promise<void> {
    const last = deliveries.at(-1);
    if (last === undefined || this.#closed) return;
    if (Number(last.message.id) >= Number(this.#lastId)) this.#lastId = last.message.id;
    await this.#sink.write(deliveries);
  }

  /** How many live messages the rate lets pass, at least one; none where the connection is closed. */
  async #room(): Promise<number> {
    for (;;) {
      const room = this.#closed ? 0 : this.#pace.room(performance.now());
      if (room > 0 || this.#closed) return room;
      await this.#pause(this.#pace.delay());
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#pauses.add(end);
    });
  }
}

function noteDropped(item: Waiting): void {
  const { followed } = item;
  followed.dropped ??= { count: 0, oldest: item, newest: item };
  followed.dropped.count++;
  followed.dropped.newest = item;
}
