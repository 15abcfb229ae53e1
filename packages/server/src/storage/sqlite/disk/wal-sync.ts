import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Connection } from './connection.ts';

/** How the file that holds the newest commits is reached; tests poller it. */
export interface Files {
  readonly open: (path: string, flags: string) => Promise<number>;
  readonly sync: (file: number) => Promise<void>;
  readonly close: (file: number) => Promise<void>;
}

export const files: Files = { open: promisify(open), sync: promisify(fdatasync), close: promisify(close) };

/**
 * Brings commits onto the disk. SQLite would do it inside each COMMIT at synchronous=FULL, and the event loop would stand still meanwhile: about a
 * millisecond a commit, most of a worker's turn of ten jobs. Here SQLite only writes its log (NORMAL), and the log is synchronised by a thread of the
 * pool, once for all that was committed before; the next transactions run meanwhile. It is the same call on the same file, so a commit is as durable.
 */
export class WalSync {
  readonly #connection: Connection;
  readonly #files: Files;
  #log: number | undefined;
  /** SQLite itself does it, because the file has no log. */
  #byItself = false;
  #changes = 0;
  /** Covers all commits up to its start. */
  #underWay: Promise<void> | null = null;
  /** Begins when that ends, and covers those since. */
  #next: Promise<void> | null = null;
  #failed = false;

  constructor(connection: Connection, reached: Files = files) {
    this.#connection = connection;
    this.#files = reached;
  }

  /** Call right after a commit. Null where that changed nothing and nothing else is on its way; else it resolves once all that is committed is on the disk. */
  committed(): Promise<void> | null {
    const changes = this.#connection.changes();
    // What a failed attempt left behind may be what this commit found done: it is no answer before it is on the disk.
    if ((changes === this.#changes && !this.#failed) || this.#byItself) return this.pending;
    this.#changes = changes;
    return this.#ask();
  }

  /** What is committed and not yet on the disk; null for nothing. */
  get pending(): Promise<void> | null {
    return this.#next ?? this.#underWay;
  }

  async close(): Promise<void> {
    await this.pending?.catch(() => {});
    if (this.#log !== undefined) await this.#files.close(this.#log);
    this.#log = undefined;
  }

  #ask(): Promise<void> {
    if (this.#underWay === null) return this.#begin();
    this.#next ??= this.#underWay.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = null;
    const work = this.#synchronise();
    this.#underWay = work;
    const over = () => {
      if (this.#underWay === work) this.#underWay = null;
    };
    work.then(over, over);
    return work;
  }

  /** @throws {StoreUnavailable} where the disk fails: what was committed may be lost with the power. */
  async #synchronise(): Promise<void> {
    try {
      this.#log ??= await this.#open();
      if (this.#log === undefined) return;
      // Linux reports a failed write once and then takes its pages for written. So after one the log goes into the database file as a whole.
      if (this.#failed && this.#connection.get('PRAGMA wal_checkpoint(TRUNCATE)')?.[0] !== 0)
        throw new Error('The log is being read.');
      await this.#files.sync(this.#log);
      this.#failed = false;
    } catch (cause) {
      this.#failed = true;
      throw new StoreUnavailable(`${this.#connection.file} cannot be synchronised with its disk.`, { cause });
    }
  }

  /** The log exists from the first commit on, and stays the same file while a connection is open. */
  async #open(): Promise<number | undefined> {
    if (this.#connection.get('PRAGMA journal_mode')?.[0] === 'wal')
      return this.#files.open(`${this.#connection.file}-wal`, 'r+');
    this.#connection.execute('PRAGMA synchronous = FULL');
    this.#byItself = true;
    return undefined;
  }
}
