import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Listener, Wakes } from '../../wakes.ts';
import type { Database } from '../connection/database.ts';
import type { CommitSummary } from '../connection/transaction.ts';

/**
 * Milliseconds between two notifications: each is a commit of its own, and all notifications of a database queue behind
 * one lock.
 */
const everyMs = 10;
/** Pause between two hints that come only of the time, where no connection can listen: behind PgBouncer. */
const unheardMs = 100;
/** Bytes of queue names: PostgreSQL allows 8,000 for a notification. */
const mostBytes = 7500;
const firstPauseMs = 100;
const longestPauseMs = 5000;
/** Milliseconds that the listening connection may take to end. */
const endMs = 1000;

/**
 * Wakes the listeners of this process at once, and those of other processes by NOTIFY: a hint, sent after the commit,
 * because a commit that notifies waits for every other such commit. One connection listens while there are subscribers;
 * after that connection was lost, subscribers learn that anything may have changed.
 */
export class Notifications {
  readonly #database: Database;
  readonly #wakes: Wakes;
  readonly #channel: string;
  /** Marks our own notifications, which come back to us too. */
  readonly #origin = randomUUID();
  readonly #queues = new Set<string>();
  #logged = false;
  #timer: NodeJS.Timeout | undefined;
  #listening: pg.Client | null = null;
  #retry: NodeJS.Timeout | undefined;
  #unheard: NodeJS.Timeout | undefined;
  #pauseMs = firstPauseMs;
  #closed = false;

  constructor(database: Database, wakes: Wakes) {
    this.#database = database;
    this.#wakes = wakes;
    // PostgreSQL cuts longer names of channels.
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
      this.#timer ??= setTimeout(() => void this.#notify(), everyMs).unref();
  }

  async subscribe(listener: Listener): Promise<AsyncDisposable> {
    const subscription = this.#wakes.subscribe(listener);
    if (this.#database.address.pooled) this.#unheard ??= setInterval(() => this.#wakes.received(), unheardMs).unref();
    else if (!this.#listening && !this.#retry) await this.#listen();
    return {
      [Symbol.asyncDispose]: async () => {
        await subscription[Symbol.asyncDispose]();
        if (!this.#wakes.heard) await this.#stopListening();
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#stopListening();
  }

  async #notify(): Promise<void> {
    const queues = [...this.#queues];
    const message = (names: readonly string[] | null) =>
      JSON.stringify({ from: this.#origin, queues: names, events: this.#logged });
    const whole = message(queues);
    const payload = Buffer.byteLength(whole) > mostBytes ? message(null) : whole;
    this.#queues.clear();
    this.#logged = false;
    try {
      await this.#database.query('SELECT pg_notify($1, $2)', [this.#channel, payload]);
    } catch {
      // Other processes miss a hint, and poll.
    }
    this.#timer = undefined;
    if ((this.#queues.size > 0 || this.#logged) && !this.#closed)
      this.#timer = setTimeout(() => void this.#notify(), everyMs).unref();
  }

  async #listen(): Promise<void> {
    const client = this.#database.dedicated();
    this.#listening = client;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''));
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
        // Notifications of the meantime are lost.
        this.#wakes.wake(null);
        this.#wakes.logged();
        this.#wakes.received();
      });
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  /** Any role of the database may notify: a payload that cannot be read only means that anything may have changed. */
  #receive(payload: string): void {
    const { from, queues, events, inbox } = readNotification(payload);
    if (from === this.#origin) return;
    for (const queue of queues ?? [null]) this.#wakes.wake(queue);
    if (events) this.#wakes.logged();
    if (inbox) this.#wakes.received();
  }

  async #stopListening(): Promise<void> {
    clearInterval(this.#unheard);
    this.#unheard = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const client = this.#listening;
    this.#listening = null;
    if (client) await endConnection(client);
  }
}

/** A server that is cut off never confirms the end. */
async function endConnection(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), endMs);
  await client.end().catch(() => {});
  clearTimeout(timer);
}

interface Notification {
  readonly from: unknown;
  /** Null if the notification names no queue. */
  readonly queues: readonly string[] | null;
  readonly events: boolean;
  /** True if a user's transaction has appended to the inbox. */
  readonly inbox: boolean;
}

function readNotification(payload: string): Notification {
  let notification: unknown = null;
  try {
    notification = JSON.parse(payload);
  } catch {
    // Not one of our notifications.
  }
  if (typeof notification !== 'object' || notification === null || !('from' in notification))
    return { from: null, queues: null, events: true, inbox: true };
  const queues =
    'queues' in notification && Array.isArray(notification.queues) ? notification.queues.map(String) : null;
  return {
    from: notification.from,
    queues,
    events: 'events' in notification && notification.events === true,
    inbox: 'inbox' in notification && notification.inbox === true,
  };
}
