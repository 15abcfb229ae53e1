import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Listener, Wakes } from '../../wakes.ts';
import type { Database } from '../connection/database.ts';
import type { CommitSummary } from '../connection/transaction.ts';

/** Others are told at most so often, in milliseconds: a notice is a commit of its own, and all notifications of a database queue behind one lock. */
const everyMs = 10;
/** The most bytes that PostgreSQL takes, less what stands around the names. */
const mostBytes = 7500;
const firstPauseMs = 100;
const longestPauseMs = 5000;
/** How long the listening connection is given to end. */
const farewellMs = 1000;

/**
 * Wake-ups of this process at once, and of others by NOTIFY: a hint, sent after the commit, since a commit that notifies waits for every other one that does.
 * One connection listens while somebody has subscribed; after it was lost, subscribers are told that anything may have changed.
 */
export class Notifications {
  readonly #database: Database;
  readonly #wakes: Wakes;
  readonly #channel: string;
  /** Our own notifications come back to us, too. */
  readonly #origin = randomUUID();
  readonly #queues = new Set<string>();
  #logged = false;
  #timer: NodeJS.Timeout | undefined;
  #listening: pg.Client | null = null;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs = firstPauseMs;
  #closed = false;

  constructor(database: Database, wakes: Wakes) {
    this.#database = database;
    this.#wakes = wakes;
    // A longer name is none of a channel.
    this.#channel = `ojs_${database.address.schema}`.slice(0, 63);
  }

  committed({ woken, logged }: CommitSummary): void {
    for (const queue of woken) {
      this.#wakes.wake(queue);
      this.#queues.add(queue);
    }
    if (logged) {
      this.#wakes.logged();
      this.#logged = true;
    }
    if ((woken.size > 0 || logged) && !this.#closed)
      this.#timer ??= setTimeout(() => void this.#tell(), everyMs).unref();
  }

  async subscribe(listener: Listener): Promise<AsyncDisposable> {
    const subscription = this.#wakes.subscribe(listener);
    if (!this.#listening && !this.#retry && !this.#database.address.pooled) await this.#listen();
    return {
      [Symbol.asyncDispose]: async () => {
        await subscription[Symbol.asyncDispose]();
        if (!this.#wakes.heard) await this.#deafen();
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#deafen();
  }

  async #tell(): Promise<void> {
    const queues = [...this.#queues];
    const message = (names: readonly string[] | null) =>
      JSON.stringify({ from: this.#origin, queues: names, events: this.#logged });
    const whole = message(queues);
    const payload = Buffer.byteLength(whole) > mostBytes ? message(null) : whole;
    this.#queues.clear();
    this.#logged = false;
    try {
      await this.#database.read('SELECT pg_notify($1, $2)', [this.#channel, payload]);
    } catch {
      // A hint is lost; others poll.
    }
    this.#timer = undefined;
    if ((this.#queues.size > 0 || this.#logged) && !this.#closed)
      this.#timer = setTimeout(() => void this.#tell(), everyMs).unref();
  }

  async #listen(): Promise<void> {
    const client = this.#database.dedicated();
    this.#listening = client;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN "${this.#channel}"`);
      this.#pauseMs = firstPauseMs;
    } catch {
      this.#lost(client);
    }
  }

  #lost(client: pg.Client): void {
    if (this.#listening !== client) return;
    this.#listening = null;
    client.end().catch(() => {});
    if (this.#closed || !this.#wakes.heard) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#listen().then(() => {
        // What happened meanwhile was not heard.
        this.#wakes.wake(null);
        this.#wakes.logged();
        this.#wakes.received();
      });
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  /** Any role of the database may notify: what cannot be read says no more than that something may have changed. */
  #heard(payload: string): void {
    const { from, queues, events, inbox } = readNotice(payload);
    if (from === this.#origin) return;
    for (const queue of queues ?? [null]) this.#wakes.wake(queue);
    if (events) this.#wakes.logged();
    if (inbox) this.#wakes.received();
  }

  async #deafen(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const client = this.#listening;
    this.#listening = null;
    if (client) await farewell(client);
  }
}

/** A server that is cut off answers no farewell. */
async function farewell(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), farewellMs);
  await client.end().catch(() => {});
  clearTimeout(timer);
}

interface Notice {
  readonly from: unknown;
  /** Null where it tells of none by name. */
  readonly queues: readonly string[] | null;
  readonly events: boolean;
  /** A user's transaction was committed that left something in the inbox. */
  readonly inbox: boolean;
}

function readNotice(payload: string): Notice {
  let notice: unknown = null;
  try {
    notice = JSON.parse(payload);
  } catch {
    // No notice of ours.
  }
  if (typeof notice !== 'object' || notice === null || !('from' in notice))
    return { from: null, queues: null, events: true, inbox: true };
  const queues = 'queues' in notice && Array.isArray(notice.queues) ? notice.queues.map(String) : null;
  return {
    from: notice.from,
    queues,
    events: 'events' in notice && notice.events === true,
    inbox: 'inbox' in notice && notice.inbox === true,
  };
}
