import type { Listener, Wakes } from '../../wakes.ts';
import { integer } from '../row.ts';
import type { Connection } from './connection.ts';

/** How soon another process's commit is noticed, in milliseconds. A poll costs about 2 µs. */
const everyMs = 5;

/**
 * Polls SQLite's `data_version` while somebody subscribes: the version changes with every commit of another connection,
 * never with an own one.
 */
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
      this.#timer = setInterval(() => this.#poll(), everyMs).unref();
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

  #poll(): void {
    let version = this.#version;
    try {
      version = this.#read();
    } catch {
      // Busy, or broken; the next call gets the same error and can report it.
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
