import { type FSWatcher, watch } from 'node:fs';
import { integer } from '../../cells.ts';
import type { Listener, Wakes } from '../../wakes.ts';
import type { Connection } from './connection.ts';

/** How soon another process's commit is noticed, in milliseconds. A poll costs about 2 µs, and 30 to wake a process. */
const everyMs = 5;
/** Polls without a change after which the system watches the log too. */
const patience = 4;
/** A watch that was refused is tried again after so many polls. */
const retry = 1_000;
/**
 * From then on each pause is twice the one before, up to the longest, until the next write to the log. A commit with
 * synchronous=FULL becomes visible only when its last write is on the disk. Some file systems report no write of
 * others, such as a volume that a virtual machine shares.
 */
const longestMs = 1_000;
/** On these systems each write to a file is reported, by whatever process. */
const watches = process.platform === 'linux' || process.platform === 'darwin';

/**
 * Polls SQLite's `data_version` while there are subscribers: the version changes with every commit of another
 * connection, never with an own one. It polls once a second while no process writes to the write-ahead log, if the
 * system can watch that.
 */
export class ChangePoller {
  readonly #sql: Connection;
  readonly #wakes: Wakes;
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #version = 0;
  /** Polls since the last change or write. */
  #unchanged = 0;

  constructor(sql: Connection, wakes: Wakes) {
    this.#sql = sql;
    this.#wakes = wakes;
  }

  subscribe(listener: Listener): AsyncDisposable {
    if (!this.#wakes.heard) {
      this.#version = this.#read();
      this.#start();
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
    this.#watcher?.close();
    this.#watcher = undefined;
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.close();
    this.#unchanged = 0;
    this.#pollIn(everyMs);
  }

  #pollIn(ms: number): void {
    this.#timer = setTimeout(() => this.#poll(), ms).unref();
  }

  #poll(): void {
    let version = this.#version;
    try {
      version = this.#read();
    } catch {
      // Busy, or broken; the next call gets the same error and can report it.
    }
    if (version !== this.#version) {
      this.#version = version;
      this.#wakes.wake(null);
      this.#wakes.logged();
      this.#wakes.received();
      this.#start();
      return;
    }
    this.#unchanged += 1;
    if (this.#unchanged % retry === patience) this.#watcher ??= this.#watch();
    const ms = this.#watcher === undefined ? everyMs : everyMs * 2 ** (this.#unchanged - patience);
    this.#pollIn(Math.min(ms, longestMs));
  }

  /** Undefined if the file has no log, or the system cannot watch it. */
  #watch(): FSWatcher | undefined {
    if (!watches) return undefined;
    try {
      const again = () => this.#start();
      return watch(`${this.#sql.file}-wal`, { persistent: false }, again).on('error', again);
    } catch {
      return undefined;
    }
  }

  #read(): number {
    return integer(this.#sql.value('PRAGMA data_version'));
  }
}
