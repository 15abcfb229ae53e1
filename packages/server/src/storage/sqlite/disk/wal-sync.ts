import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Connection } from './connection.ts';

/** Access to the WAL; tests replace it. */
export interface Files {
  readonly open: (path: string, flags: string) => Promise<number>;
  readonly sync: (file: number) => Promise<void>;
  readonly close: (file: number) => Promise<void>;
}

export const files: Files = { open: promisify(open), sync: promisify(fdatasync), close: promisify(close) };

/**
 * Synchronises commits with the disk. With synchronous=FULL SQLite would do so inside each COMMIT and block the event
 * loop: about a millisecond a commit, most of the time that a worker's exchange of ten jobs takes. Here SQLite only
 * writes the WAL (NORMAL), and a thread of the pool synchronises it, once for all commits before; the next transactions
 * run at the same time. SQLite itself also calls fdatasync on the WAL, so a commit is as durable.
 */
export class WalSync {
  readonly #connection: Connection;
  readonly #files: Files;
  #log: number | undefined;
  /** The file has no WAL, so SQLite synchronises inside each COMMIT. */
  #byItself = false;
  #changes = 0;
  /** Covers the commits before its start. */
  #inFlight: Promise<void> | null = null;
  /** Begins when `inFlight` ends, and covers the commits since. */
  #next: Promise<void> | null = null;
  #failed = false;

  constructor(connection: Connection, reached: Files = files) {
    this.#connection = connection;
    this.#files = reached;
  }

  /** Call right after a commit. Resolves once all commits are on the disk; null if they are already. */
  committed(): Promise<void> | null {
    const changes = this.#connection.changes();
    // After a failure, even a commit without changes waits: it may have read changes that are not on the disk.
    if ((changes === this.#changes && !this.#failed) || this.#byItself) return this.pending;
    this.#changes = changes;
    return this.#ask();
  }

  /** Resolves once all commits are on the disk; null if they are already. */
  get pending(): Promise<void> | null {
    return this.#next ?? this.#inFlight;
  }

  async close(): Promise<void> {
    await this.pending?.catch(() => {});
    if (this.#log !== undefined) await this.#files.close(this.#log);
    this.#log = undefined;
  }

  #ask(): Promise<void> {
    if (this.#inFlight === null) return this.#begin();
    this.#next ??= this.#inFlight.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = null;
    const work = this.#synchronise();
    this.#inFlight = work;
    const over = () => {
      if (this.#inFlight === work) this.#inFlight = null;
    };
    work.then(over, over);
    return work;
  }

  /** @throws {StoreUnavailable} if the disk fails: a loss of power may then lose commits. */
  async #synchronise(): Promise<void> {
    try {
      this.#log ??= await this.#open();
      if (this.#log === undefined) return;
      // Linux reports a failed write once and then marks its pages as written. So after a failure the whole WAL is
      // moved into the database file first.
      if (this.#failed && this.#connection.value('PRAGMA wal_checkpoint(TRUNCATE)') !== 0)
        throw new Error('The WAL cannot be moved into the database file while another connection reads it.');
      await this.#files.sync(this.#log);
      this.#failed = false;
    } catch (cause) {
      this.#failed = true;
      throw new StoreUnavailable(`${this.#connection.file} cannot be synchronised with its disk.`, { cause });
    }
  }

  /** The WAL exists from the first commit on, and stays the same file while a connection is open. */
  async #open(): Promise<number | undefined> {
    if (this.#connection.value('PRAGMA journal_mode') === 'wal')
      return this.#files.open(`${this.#connection.file}-wal`, 'r+');
    this.#connection.execute('PRAGMA synchronous = FULL');
    this.#byItself = true;
    return undefined;
  }
}
