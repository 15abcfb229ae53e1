import { ClaimedJobCache } from '../claim/claimed-job-cache.ts';
import { Transaction } from '../transaction.ts';
import { type Connection, patiently } from './connection.ts';
import type { WalSync } from './wal-sync.ts';

interface Task {
  readonly run: (transaction: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Work in one transaction, in milliseconds: the event loop is blocked for much less than 20 ms. */
const sliceMs = 8;

/**
 * Writes of one turn of the event loop share a commit. Their promises resolve once the commit is on the disk. Reads
 * wait for the disk too, so that no reader sees a change that a loss of power may take back. If one task throws, only
 * that task is undone.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #patienceMs: number;
  readonly #logs: boolean;
  readonly #walSync: WalSync | null;
  readonly #claimedJobs: ClaimedJobCache;
  readonly #onCommit: (transaction: Transaction) => void;
  #tasks: Task[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  /**
   * @param logs whether events are logged.
   * @param walSync null if the commit itself is durable enough.
   */
  constructor(
    connection: Connection,
    patienceMs: number,
    logs: boolean,
    walSync: WalSync | null,
    onCommit: (transaction: Transaction) => void,
  ) {
    this.#connection = connection;
    this.#patienceMs = patienceMs;
    this.#logs = logs;
    this.#walSync = walSync;
    this.#claimedJobs = new ClaimedJobCache(connection);
    this.#onCommit = onCommit;
  }

  write<T>(run: (transaction: Transaction) => T): Promise<T> {
    if (this.#closed) {
      const message = `The storage on ${this.#connection.file} is closed: no write is possible after close().`;
      return Promise.reject(new Error(message));
    }
    return new Promise<T>((resolve, reject) => {
      // The result goes straight to the promise of the same call, so its type is the caller's.
      this.#tasks.push({ run, resolve: (value) => resolve(value as T), reject });
      this.#running ??= this.#drain();
    });
  }

  /** Reads what is committed. Retries while the file is busy, as when another process closes the WAL. */
  async read<T>(run: () => T | Promise<T>): Promise<T> {
    const value = await patiently(this.#connection, this.#patienceMs, run);
    const pending = this.#walSync?.pending ?? null;
    if (pending !== null) await pending;
    return value;
  }

  /** Finishes the writes before; refuses later ones. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#walSync?.close();
  }

  async #drain(): Promise<void> {
    for (;;) {
      // Claims, ACKs and enqueues of the engine arrive within one turn. Without this wait each kind has its own commit:
      // a drain then takes 3 to 6 % more processor time, enqueues save nothing (medians of 11 alternated rounds).
      await new Promise<void>((resolve) => setImmediate(resolve));
      const tasks = this.#tasks;
      if (tasks.length === 0) break;
      this.#tasks = [];
      const rest = await this.#commit(tasks);
      this.#tasks = [...rest, ...this.#tasks];
    }
    this.#running = null;
  }

  /** Runs as many tasks as fit into a slice of time; answers the others. */
  async #commit(tasks: readonly Task[]): Promise<readonly Task[]> {
    try {
      await this.#begin();
    } catch (error) {
      for (const task of tasks) task.reject(error);
      return [];
    }
    const until = performance.now() + sliceMs;
    const transaction = new Transaction(this.#connection, this.#logs, this.#claimedJobs);
    const results: unknown[] = [];
    try {
      for (const task of tasks) {
        results.push(task.run(transaction));
        if (performance.now() > until) break;
      }
      transaction.flush();
      this.#connection.run('COMMIT');
    } catch (error) {
      this.#connection.rollback();
      this.#claimedJobs.clear();
      // Each task runs alone to find the one that fails. All of them, since the COMMIT itself may have failed.
      const ran = tasks.slice(0, results.length + 1);
      if (ran.length === 1) ran[0]?.reject(this.#connection.explain(error));
      else for (const task of ran) await this.#commit([task]);
      return tasks.slice(ran.length);
    }
    const answer = () => {
      results.forEach((result, index) => {
        tasks[index]?.resolve(result);
      });
    };
    const onDisk = this.#walSync?.committed() ?? null;
    if (onDisk === null) answer();
    else {
      onDisk.then(answer, (error: unknown) => {
        for (const task of tasks.slice(0, results.length)) task.reject(error);
      });
    }
    this.#onCommit(transaction);
    return tasks.slice(results.length);
  }

  #begin(): Promise<void> {
    return patiently(this.#connection, this.#patienceMs, () => {
      this.#connection.run('BEGIN IMMEDIATE');
    });
  }
}
