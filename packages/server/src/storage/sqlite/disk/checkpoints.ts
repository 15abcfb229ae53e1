import { Worker } from 'node:worker_threads';
import { program } from '../../../files.ts';
import type { Connection, Synchronous } from './connection.ts';

export interface CheckpointPlan {
  readonly file: string;
  readonly synchronous: Synchronous;
}

const ownProgram = program('storage/sqlite/disk/checkpoint-thread');

/**
 * Changed rows after which the thread starts. The thread takes 19 MiB (36 from source) and a tenth of a second to
 * start.
 */
const startAfter = 20_000;
/**
 * Rows and time between two checkpoints: each one synchronises WAL and file, which delays the synchronisation of
 * commits.
 */
const everyRows = 1_000;
const everyMs = 50;
/**
 * Pages of the WAL after which a COMMIT runs a checkpoint itself: SQLite's default, and the value while the thread
 * runs.
 */
const pagesAlone = 1_000;
const pagesBeside = 4_000;

/**
 * Runs the WAL checkpoints of a busy store in a thread. SQLite runs them inside a COMMIT and blocks the event loop for
 * about 6 ms, 6 % of a busy server's time. A thread never moves the whole of a WAL that is written all the time, so
 * every 4,000 pages a COMMIT still moves the last few and the WAL begins again. Without the thread SQLite works by its
 * defaults.
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
  /** The last request to the thread: rows changed so far, and the time. */
  #rows = 0;
  #askedAt = 0;

  /** @param sqlite the version of SQLite. */
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
      // The thread must not inherit flags such as --inspect or --cpu-prof.
      thread = new Worker(this.#program, { name: 'ojs-checkpoint', workerData: this.#plan, execArgv: [] });
    } catch {
      // Node refuses threads, as with --permission.
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

/** Before SQLite 3.51.3 a checkpoint over another connection may lose pages while the WAL begins again. */
function isSafe(sqlite = '0'): boolean {
  const [major = 0, minor = 0, patch = 0] = sqlite.split('.').map(Number);
  return major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
}
