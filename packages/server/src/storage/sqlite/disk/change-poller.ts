import type { Listener, Wakes } from '../../wakes.ts';
import { integer } from '../row.ts';
import type { Connection } from './connection.ts';

/** The time after which another process's commit is noticed, in milliseconds; a look costs about 2 µs. */
const everyMs = 5;

/** Notices, while somebody has subscribed, that another connection has changed the file: SQLite's `data_version` moves for those only. */
export class ChangePoller {
  readonly #sql: Connection;
  readonly #wakes: Wakes;
  #timer: NodeJS.Timeout | undefined;
  #version = 0;

  constructor(sql: Connection, wakes: Wakes) {
    this.#sql = sql;
    this.#wakes = wakes;
  }

  subscribe(listener: Listener): AsyncDisposable {
    if (!this.#timer) {
      this.#version = this.#read();
      this.#timer = setInterval(() => this.#look(), everyMs).unref();
    }
    const subscription = this.#wakes.subscribe(listener);
    return {
      [Symbol.asyncDispose]: async () => {
        await subscription[Symbol.asyncDispose]();
        if (!this.#wakes.heard) this.close();
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    let version = this.#version;
    try {
      version = this.#read();
    } catch {
      // Busy for a moment, or broken: then the next call meets the same error and has somebody to tell.
    }
    if (version === this.#version) return;
    this.#version = version;
    this.#wakes.wake(null);
    this.#wakes.logged();
    this.#wakes.received();
  }

  #read(): number {
    return integer(this.#sql.get('PRAGMA data_version')?.[0]);
  }
}
