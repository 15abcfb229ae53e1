import { accessSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cell, Cells } from '../../cells.ts';
import type { Select } from '../../columns.ts';
import { StoreDamaged, StoreUnavailable, StoreUnwritable } from '../../unavailable.ts';
import { loadNodeSqlite } from './node-sqlite.ts';

/**
 * How durable a commit is: FULL survives a loss of power, NORMAL a crash of the process; OFF is for temporary files.
 */
export type Synchronous = 'FULL' | 'NORMAL' | 'OFF';

const BUSY = 5;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;
const READ_ONLY = 8;
const NOT_UNIQUE = 2067;

/** Rows with consecutive numbers and the same change. */
interface Run {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
  readonly first: number;
  last: number;
}

/**
 * A connection with its prepared statements. SQLite never waits for a busy file here: callers retry with {@link
 * patiently}.
 */
export class Connection {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #run: Run | null = null;
  #open = true;

  /** @throws Error that says what is wrong with the file. */
  constructor(path: string, synchronous: Synchronous, maxPages: number | null = null) {
    this.file = resolve(path);
    check(this.file);
    try {
      createPrivate(this.file);
      const { DatabaseSync } = loadNodeSqlite();
      this.#database = new DatabaseSync(this.file, { timeout: 0 });
      // 16 MiB of page cache; other pages come from the system's memory within microseconds. A larger cache costs more:
      // where a change reorders pages of an index, SQLite searches its whole cache at the COMMIT (76 µs with 64 MiB: a
      // claim that discards ten of a million jobs took 1.5 times as long). Pages of 8 KiB: a drain takes 7 % less
      // processor time than with 4 KiB; 16 KiB save one more, but a single commit then writes twice as much.
      this.#database.exec(
        `PRAGMA page_size = 8192; PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -16384;
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864`,
      );
      if (maxPages !== null) this.#database.exec(`PRAGMA max_page_count = ${maxPages}`);
    } catch (error) {
      throw this.explain(error);
    }
  }

  all<T>({ text, read }: Select<T>, ...values: SQLInputValue[]): readonly T[] {
    return this.allCells(text, ...values).map(read);
  }

  get<T>({ text, read }: Select<T>, ...values: SQLInputValue[]): T | undefined {
    const cells = this.cells(text, ...values);
    return cells && read(cells);
  }

  // setReturnArrays makes statements answer arrays; the declared types do not know that.
  allCells(sql: string, ...values: SQLInputValue[]): readonly Cells[] {
    return this.#statement(sql).all(...values) as unknown as readonly Cells[];
  }

  /** Reads each row when it is taken. */
  *each<T>({ text, read }: Select<T>): Iterable<T> {
    for (const cells of this.#statement(text).iterate() as unknown as Iterable<Cells>) yield read(cells);
  }

  cells(sql: string, ...values: SQLInputValue[]): Cells | undefined {
    return this.#statement(sql).get(...values) as unknown as Cells | undefined;
  }

  /** The column of a statement that has only one; undefined without a row. */
  value(sql: string, ...values: SQLInputValue[]): Cell {
    return this.cells(sql, ...values)?.[0];
  }

  values(sql: string, ...values: SQLInputValue[]): readonly Cell[] {
    return this.allCells(sql, ...values).map((cells) => cells[0]);
  }

  /** Changes rows. `get` does what `run` does, without the object of counts, which costs 0.3 µs. */
  change(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).get(...values);
  }

  /**
   * Changes the row with this number; the statement must end in `BETWEEN ? AND ?`. The change waits until the
   * connection is used for anything else, so that one statement writes consecutive rows that get the same values: 1 µs
   * less a row.
   */
  changeRow(sql: string, number: number, ...values: readonly SQLInputValue[]): void {
    const run = this.#run;
    if (
      run !== null &&
      run.sql === sql &&
      run.last === number - 1 &&
      run.values.every((value, index) => value === values[index])
    ) {
      run.last = number;
      return;
    }
    this.#endRun();
    this.#run = { sql, values, first: number, last: number };
  }

  /**
   * Inserts one row; false if a unique value of the row exists already. The exception is rare, so it costs less than
   * counts (see {@link change}).
   */
  insert(sql: string, ...values: SQLInputValue[]): boolean {
    try {
      this.#statement(sql).get(...values);
      return true;
    } catch (error) {
      if (extendedCode(error) === NOT_UNIQUE) return false;
      throw error;
    }
  }

  /** Changes rows and answers how many. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Rows that this connection has changed so far. */
  changes(): number {
    return Number(this.value('SELECT total_changes()'));
  }

  /** Runs one or several statements without preparing them. */
  execute(sql: string): void {
    this.#check();
    this.#endRun();
    this.#database.exec(sql);
  }

  /** After some errors, such as a full disk, SQLite has rolled back already. */
  rollback(): void {
    this.#run = null;
    try {
      this.run('ROLLBACK');
    } catch {
      // No transaction is open any more.
    }
  }

  /** Moves the WAL into the file, as far as readers in other processes allow. */
  checkpoint(): void {
    try {
      this.execute('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // The rest stays in the WAL, where the next connection finds it.
      if (!isBusy(error) && !isFull(error)) throw error;
    }
  }

  close(): void {
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
  }

  /** An error that names the file and says what is wrong, for errors of SQLite that do not. */
  explain(error: unknown): unknown {
    const code = resultCode(error);
    if (code === NOT_A_DATABASE) return new Error(`${this.file} is not an SQLite database.`, { cause: error });
    if (code === READ_ONLY)
      return new StoreUnwritable(
        'read_only',
        `${this.file} is read-only; a storage must be able to write to it and to its directory.`,
        { cause: error },
      );
    if (code === FULL)
      return new StoreUnwritable(
        'full',
        `${this.file} cannot grow: the disk is full. ` +
          'Free space on it, or keep finished jobs for a shorter time (--retain-completed).',
        { cause: error },
      );
    if (code === IO_ERROR) {
      const message = `${this.file} cannot grow: the disk refuses to write.`;
      return new StoreUnwritable('io_error', message, { cause: error });
    }
    if (code === CORRUPT) {
      return new StoreDamaged(
        `${this.file} is damaged: ${error instanceof Error ? error.message : ''}. ` +
          "Restore a backup, or copy what can be read with sqlite3's .recover.",
        { cause: error },
      );
    }
    if (code === BUSY) return new StoreUnavailable(`${this.file} is locked by another process.`, { cause: error });
    if (error instanceof Error && error.message.startsWith('no such table: ojs_')) {
      return new Error(`${this.file} has no layout yet: call the storage's migrate() first.`, { cause: error });
    }
    return error;
  }

  #endRun(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    this.#statement(run.sql).get(...run.values, run.first, run.last);
  }

  #statement(sql: string): StatementSync {
    this.#endRun();
    const prepared = this.#statements.get(sql);
    if (prepared) return prepared;
    this.#check();
    const statement = this.#prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  #prepare(sql: string): StatementSync {
    try {
      return this.#database.prepare(sql);
    } catch (error) {
      throw isBusy(error) ? error : this.explain(error);
    }
  }

  #check(): void {
    if (!this.#open) throw new Error(`The storage on ${this.file} is closed.`);
  }
}

function check(file: string): void {
  const directory = dirname(file);
  if (!existsSync(directory)) throw new Error(`${file} cannot be opened: the directory ${directory} does not exist.`);
  if (existsSync(file) && statSync(file).isDirectory())
    throw new Error(`${file} is a directory; expected the path of a database file.`);
  try {
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw new Error(`${file} cannot be opened: this process may not write to it or to its directory.`, {
      cause: error,
    });
  }
}

/**
 * A store has the arguments of all jobs, and the key of all leases. SQLite gives its other files the mode of this one.
 */
function createPrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
}

/** The primary result code of an SQLite error; extended codes carry more in the upper bits. */
function resultCode(error: unknown): number | null {
  const code = extendedCode(error);
  return code === null ? null : code & 0xff;
}

function extendedCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
}

export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY;
}

/** A full disk reports FULL or an I/O error. Committed data can still be read. */
function isFull(error: unknown): boolean {
  const code = resultCode(error);
  return code === FULL || code === IO_ERROR;
}

/**
 * Runs `attempt` again until the file is not busy. The event loop runs in between.
 * @throws {StoreUnavailable} once `patienceMs` have passed. Any other error of `attempt` is thrown at once.
 */
export async function patiently<T>(
  connection: Connection,
  patienceMs: number,
  attempt: () => T | Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(2 * pause, 20)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error)) throw connection.explain(error);
      if (performance.now() > deadline) {
        throw new StoreUnavailable(`${connection.file} has been locked by another process for ${patienceMs} ms.`, {
          cause: error,
        });
      }
    }
    // Jitter, so that two waiting processes do not collide each time.
    await sleep(pause * (0.5 + Math.random()));
  }
}
