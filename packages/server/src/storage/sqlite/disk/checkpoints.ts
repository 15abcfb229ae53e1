import { Worker } from 'node:worker_threads';
import type { Connection, Synchronous } from './connection.ts';

export interface CheckpointPlan {
  readonly file: string;
  readonly synchronous: Synchronous;
}

/** Beside this module, with its extension, from source and when built. */
const ownProgram = new URL(
  `./checkpoint-thread${/\.[cm]?[jt]s$/.exec(import.meta.url)?.[0] ?? '.js'}`,
  import.meta.url,
);

/** Rows that a store changes before it gets its thread, which takes 19 MiB (36 from source) and a tenth of a second to start. */
const startAfter = 20_000;
/** Between two checkpoints: each synchronises log and file, which holds up the commits' own way to the disk. */
const everyRows = 1_000;
const everyMs = 50;
/** Pages of the log after which a COMMIT moves them by itself: SQLite's default, and where the thread does most of it before. */
const pagesAlone = 1_000;
const pagesBeside = 4_000;

/**
 * Moves the log of a busy store into its file by a thread. SQLite does it within a COMMIT: about 6 ms in which nobody is answered, 6 % of a busy server's
 * time. A log that is written all the time is never moved as a whole beside its store, so the COMMIT still does the last few pages of every 4,000, after
 * which the log begins anew. Without the thread all is as SQLite has it.
 */
export class Checkpoints {
  readonly #connection: Connection;
  readonly #plan: CheckpointPlan;
  readonly #program: URL;
  readonly #mayStart: boolean;
  #thread: Worker | null = null;
  #ended: Promise<void> | null = null;
  #isIdle = false;
  #closed = false;
  /** When the thread was last asked: rows changed so far, and the time. */
  #rows = 0;
  #askedAt = 0;

  /** @param sqlite The version of SQLite. */
  constructor(
    connection: Connection,
    synchronous: Synchronous,
    program = ownProgram,
    sqlite = process.versions.sqlite,
  ) {
    this.#connection = connection;
    this.#plan = { file: connection.file, synchronous };
    this.#program = program;
    this.#mayStart = isSafe(sqlite);
  }

  /** Call after a commit. */
  committed(): void {
    if (this.#ended !== null && !this.#isIdle) return;
    const rows = this.#connection.changes();
    if (this.#ended === null) {
      if (rows >= startAfter && !this.#closed) this.#ended = this.#mayStart ? this.#start() : Promise.resolve();
      return;
    }
    const now = performance.now();
    if (rows - this.#rows < everyRows || now - this.#askedAt < everyMs) return;
    this.#rows = rows;
    this.#askedAt = now;
    this.#isIdle = false;
    this.#thread?.postMessage('go');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#thread?.ref();
    this.#thread?.postMessage('stop');
    await this.#ended;
  }

  #start(): Promise<void> {
    let thread: Worker;
    try {
      // Flags of the process such as --inspect or --cpu-prof are not meant for it.
      thread = new Worker(this.#program, { name: 'ojs-checkpoint', workerData: this.#plan, execArgv: [] });
    } catch {
      // The process may have no more threads, as with --permission.
      return Promise.resolve();
    }
    thread.unref();
    this.#thread = thread;
    thread.once('message', () => this.#commitMoves(pagesBeside));
    thread.on('message', () => {
      this.#isIdle = true;
    });
    thread.on('error', () => {});
    return new Promise((resolve) => {
      thread.once('exit', () => {
        this.#thread = null;
        this.#isIdle = false;
        this.#commitMoves(pagesAlone);
        resolve();
      });
    });
  }

  #commitMoves(pages: number): void {
    if (!this.#closed) this.#connection.execute(`PRAGMA wal_autocheckpoint = ${pages}`);
  }
}

/** Before 3.51.3 a checkpoint of another connection may take the log for the one before, where it begins anew at that moment, and pages are lost. */
function isSafe(sqlite = '0'): boolean {
  const [major = 0, minor = 0, patch = 0] = sqlite.split('.').map(Number);
  return major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
}
