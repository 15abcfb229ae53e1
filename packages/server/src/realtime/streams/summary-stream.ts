import { EventSummarizer } from '@ojs-ts/core/events';
import type { QueueAccess } from '../../binding/access.ts';
import type { Parts } from '../../engine/engine.ts';
import { Waiter } from '../../engine/jobs/waiter.ts';
import { cursorText, placeOf, readCursor } from '../log/cursors.ts';
import type { LogEvent } from '../log/log-events.ts';
import type { StateFrame } from './wire.ts';

type Engine = Parts<'storage' | 'subscriptions'>;

/** Between two summaries of a client, in milliseconds: at most ten a second. */
const restMs = 100;
/** A client that returns gets at most this many events folded, about 20 ms of reading; earlier ones only truncate. */
const replayed = 10_000;
/** A wait without an event is started again. */
const idleMs = 60_000;

/**
 * GET /admin/events/summaries: what changed since the last message, for pages that show the present. The one reader of
 * the log hands each event to a summarizer of the client, so a slow client costs no more memory than a fast one.
 *
 * SQLite at 5,000 events a second: the first client takes about 1 % of a core, which is mostly the reader of the log.
 * Twenty clients take 2 %.
 */
export class SummaryStream {
  readonly #engine: Engine;
  readonly #rest: (signal: AbortSignal) => Promise<unknown>;

  /** @param rest ends when the next summary may be sent. */
  constructor(engine: Engine, rest: (signal: AbortSignal) => Promise<unknown> = pause) {
    this.#engine = engine;
    this.#rest = rest;
  }

  /**
   * A summary at once: an empty one, or of everything after the cursor. Then one as soon as something happens.
   * @param access of a caller that may see some queues; its summaries leave out the others, and events without a queue.
   * @throws ProtocolError `unsupported` if the storage keeps no log.
   */
  async *follow(
    access: Pick<QueueAccess, 'covers'> | null,
    cursor: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<StateFrame> {
    const { subscriptions } = this.#engine;
    const summarizer = new EventSummarizer();
    const waiter = new Waiter();
    let position = 0;
    let id = '0';
    const onEvent = (event: LogEvent) => {
      // The positions of an emptied store begin again.
      if (event.position <= position) summarizer.miss();
      position = event.position;
      id = cursorText(position, event.at);
      if (access !== null && !access.covers(event.entry[3])) return;
      summarizer.add(event.entry);
      waiter.wake();
    };
    const onLive = (reached: number) => {
      position = reached;
      id = `${position}`;
    };
    const after = cursor === null ? undefined : await this.#startOf(cursor, summarizer);
    const onGap = () => summarizer.miss();
    const subscription = subscriptions.subscribe('all', { onEvent, onLive, onGap }, after);
    try {
      await subscription.live;
      while (!signal.aborted) {
        const rested = this.#rest(signal);
        yield { name: 'summary', id, data: JSON.stringify(summarizer.take()) };
        await rested;
        while (summarizer.count === 0 && !signal.aborted) await waiter.wait(idleMs, signal);
        await subscriptions.turns.next();
      }
    } finally {
      subscription.close();
    }
  }

  /** Returns the position after which a client that comes back gets summaries. */
  async #startOf(cursor: string, summarizer: EventSummarizer): Promise<number> {
    const { storage } = this.#engine;
    const after = await placeOf(storage, readCursor(cursor, await storage.seed()) ?? 'foreign');
    const { oldest, newest } = await this.#engine.subscriptions.ends();
    if (typeof after !== 'number' || after > newest) {
      summarizer.miss();
      return newest;
    }
    if (after < oldest - 1) summarizer.miss();
    if (after < newest - replayed) summarizer.truncate();
    return Math.max(after, oldest - 1, newest - replayed);
  }
}

function pause(signal: AbortSignal): Promise<unknown> {
  return new Waiter().wait(restMs, signal);
}
