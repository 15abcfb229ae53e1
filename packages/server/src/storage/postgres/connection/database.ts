import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis } from '@ojs-ts/core';
import pg from 'pg';
import type { Cells } from '../../cells.ts';
import type { StoreMove } from '../../storage.ts';
import { type DeltaPages, usualDeltaPages } from '../limits/limit-deltas.ts';
import { ConnectionProbe } from './connection-probe.ts';
import { explain, isLost, isReadOnly, sqlState } from './errors.ts';
import { Pooler } from './pooler.ts';
import { Servers } from './servers.ts';
import { clientConfig, localSettings } from './settings.ts';
import { Reader } from './sql.ts';
import { type CommitSummary, Transaction } from './transaction.ts';
import type { PostgresAddress } from './url.ts';

const begin = 'BEGIN ISOLATION LEVEL READ COMMITTED';
/**
 * Milliseconds of a call before the probe, and of the probe: together less than the 10 s after which a worker gives up
 * its request.
 */
const usualPatienceMs = 4_000;
/** Longer than a pause in steady load, so the pool keeps the connections that the peaks need. */
const idleMs = 600_000;
/** Attempts of a transaction that loses against others. */
const attempts = 8;

const uniqueViolation = '23505';

/** An error after which the connection can be used again. */
class RolledBack extends Error {}

/** The connections to one schema of a database. */
export class Database extends Reader {
  readonly address: PostgresAddress;
  readonly #pool: pg.Pool;
  /** True if events are logged. */
  readonly logs: boolean;
  readonly pages: DeltaPages;
  readonly #servers: Servers;
  readonly #pooler: Pooler;
  readonly #probe: ConnectionProbe;
  /** The connections of the pool, with the ids of their servers. */
  readonly #reached = new Map<pg.Client, string>();
  /** Connections outside of the pool that stay open. */
  readonly #dedicated = new Set<pg.Client>();
  readonly #onCommit: (written: CommitSummary) => void;
  /**
   * Statements by their text in the sources: with the schema name, and a name under which each connection prepares them
   * once.
   */
  readonly #statements = new Map<string, { readonly text: string; readonly name: string }>();
  /** By connection, the names of the statements in flight. */
  readonly #sent = new WeakMap<pg.PoolClient, Set<string>>();
  /** Why a session ended. The next call on the connection only learns that it has ended. */
  readonly #ends = new WeakMap<pg.PoolClient, Error>();
  readonly #inFlight = new Set<Promise<unknown>>();
  #filled = false;
  #closed = false;

  /** @param logs whether events are logged. */
  constructor(
    address: PostgresAddress,
    logs: boolean,
    onCommit: (written: CommitSummary) => void,
    {
      patienceMs = usualPatienceMs,
      pages = usualDeltaPages,
    }: { readonly patienceMs?: number; readonly pages?: DeltaPages } = {},
  ) {
    super();
    this.address = address;
    this.logs = logs;
    this.pages = pages;
    const servers = new Servers(address, patienceMs, () => this.#leave());
    this.#servers = servers;
    const pooler = new Pooler(address.pooled);
    this.#pooler = pooler;
    this.#onCommit = (written) => {
      servers.committed();
      onCommit(written);
    };
    this.#probe = new ConnectionProbe(patienceMs, () => servers.look());
    /** A connection to the host that is current when it is opened. */
    class Aimed extends pg.Client {
      readonly target = servers.target;

      constructor() {
        super(clientConfig(address, servers.target));
      }
    }
    this.#pool = new pg.Pool({
      ...clientConfig(address, 0),
      Client: Aimed,
      max: address.connections,
      idleTimeoutMillis: idleMs,
      onConnect: async (client) => {
        if (!(client instanceof Aimed)) return;
        this.#reached.set(client, await servers.arrived(client, client.target));
        await pooler.arrived(client);
      },
    });
    this.#pool.on('remove', (client) => {
      if (client instanceof Aimed) this.#reached.delete(client);
    });
    // The server may end an idle connection; without a listener this event ends the process. The next call gets a
    // new connection.
    this.#pool.on('error', () => {});
    // A connection in use reports its end to the call and as an event, which would end the process too.
    this.#pool.on('connect', (client) => {
      client.on('error', (error) => {
        if (!this.#ends.has(client)) this.#ends.set(client, error);
      });
      this.#fill();
    });
  }

  /** Runs one statement as a transaction of its own. `ojs.` before a name means the schema. */
  query(text: string, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    return this.#track(() => this.#repeated(() => this.#single(text, values)));
  }

  /**
   * Runs one statement that is a whole transaction: one message, without BEGIN and COMMIT. Null if a row that it
   * inserts exists already.
   * @param summarize what others learn of it, by its answer.
   */
  async alone(
    { text, values }: { readonly text: string; readonly values: readonly unknown[] },
    summarize: (rows: readonly Cells[]) => CommitSummary,
  ): Promise<readonly Cells[] | null> {
    const rows = await this.#track(() =>
      this.#repeated(async () => {
        try {
          return await this.#single(text, values);
        } catch (error) {
          if (sqlState(error) === uniqueViolation) return null;
          throw error;
        }
      }),
    );
    if (rows !== null) this.#onCommit(summarize(rows));
    return rows;
  }

  /**
   * Runs `work` in a transaction, and again if the transaction lost against another one. So `work` must change nothing
   * outside of the transaction.
   */
  transact<T>(now: Millis, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#track(() => this.#repeated(() => this.#attempt(now, work)));
  }

  async #repeated<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(this.#pooler.isForgetful(error) || isLost(error)) || attempt === attempts) throw error;
        // A random pause, so that two transactions do not meet again.
        await sleep(attempt * 5 * Math.random());
      }
    }
  }

  async #single(text: string, values: readonly unknown[]): Promise<readonly Cells[]> {
    if (!this.#pooler.hasSettings) return this.#attempt(0, (tx) => tx.query(text, values));
    return this.#withClient((client) => this.#query(client, text, values));
  }

  /** Waits for the calls in flight; later calls fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#inFlight]);
    await this.#pool.end();
  }

  /** A new connection outside of the pool, which is cut when another server takes over. */
  dedicated(): pg.Client {
    const client = new pg.Client(clientConfig(this.address, this.#servers.target));
    this.#dedicated.add(client);
    client.on('end', () => this.#dedicated.delete(client));
    return client;
  }

  /** Looks whether another server has taken over; to be called once a second. */
  lookAgain(): void {
    if (!this.#closed) this.#servers.lookAgain();
  }

  get lastMove(): StoreMove | null {
    return this.#servers.lastMove;
  }

  /** Reads one moment of the schema over a connection of its own, until it is disposed of. */
  async snapshot(): Promise<Reader & AsyncDisposable> {
    if (this.#closed) throw new Error(`The storage on ${this.address.name} is closed.`);
    // Sorting a large table takes longer than any other statement.
    const client = new pg.Client({ ...clientConfig(this.address, this.#servers.target), query_timeout: 0 });
    client.on('error', () => {});
    const snapshot = new Snapshot(client, this.address.name, (text) => this.#qualified(text));
    try {
      await client.connect();
      await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      // The reader may be slow, and blocks no other.
      await snapshot.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await snapshot.query('SET LOCAL statement_timeout = 0');
    } catch (error) {
      await client.end().catch(() => {});
      throw explain(error, this.address.name);
    }
    return snapshot;
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error(`The storage on ${this.address.name} is closed.`);
    const running = work();
    this.#inFlight.add(running);
    try {
      return await running;
    } catch (error) {
      throw explain(error, this.address.name);
    } finally {
      this.#inFlight.delete(running);
    }
  }

  async #attempt<T>(now: Millis, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      // BEGIN is not waited for: the first statement follows it in the same packet.
      cork(client);
      const begun = client.query(begin);
      begun.catch(() => {});
      const statements = {
        query: (text: string, values: readonly unknown[]) => this.#query(client, text, values),
        script: async (text: string) => {
          await client.query(this.#qualified(text));
        },
      };
      const tx = new Transaction(statements, this.address.schema, this.pages, now, this.logs);
      if (!this.#pooler.hasSettings) tx.query(localSettings).catch(() => {});
      try {
        const result = await work(tx);
        cork(client);
        const ended = tx.end();
        const committed = client.query('COMMIT');
        const [written] = await Promise.all([ended, committed]);
        this.#onCommit(written);
        return result;
      } catch (error) {
        // Sent behind the statements that are still in flight.
        const rolledBack = await client.query('ROLLBACK').then(
          () => true,
          () => false,
        );
        const end = this.#ends.get(client);
        const cause = isLost(end) ? end : (tx.failure ?? error);
        throw rolledBack ? new RolledBack('The transaction was rolled back.', { cause }) : cause;
      }
    });
  }

  /**
   * A process that needs half of its connections will soon need all. Opened one by one, they would come at the peaks of
   * load, for hours.
   */
  #fill(): void {
    const { connections } = this.address;
    if (this.#filled || 2 * this.#pool.totalCount < connections) return;
    this.#filled = true;
    // The pool uses idle connections first, so as many calls more are needed.
    for (let more = connections - this.#pool.totalCount + this.#pool.idleCount; more > 0; more--) {
      // If a connection cannot be opened, the call that needs it reports the error.
      void this.#track(() => this.#withClient(async () => {})).catch(() => {});
    }
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    // After an error from the server the connection can be used again, unless the server is a standby: the address may
    // lead to the primary by now. After any other error it cannot.
    let broken = true;
    try {
      using _watch = this.#probe.watch(client);
      const result = await work(client);
      broken = false;
      return result;
    } catch (error) {
      const cause = error instanceof RolledBack ? error.cause : error;
      broken = !(error instanceof pg.DatabaseError || error instanceof RolledBack) || isReadOnly(cause);
      if (isReadOnly(cause)) void this.#servers.find(true);
      throw cause;
    } finally {
      client.release(broken);
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    await this.#servers.find(false);
    try {
      return await this.#pool.connect();
    } catch (error) {
      if (!(await this.#servers.find(true))) throw error;
      return this.#pool.connect();
    }
  }

  /**
   * Cuts the connections to servers that were replaced. A commit on such a server may be lost, and a server that hangs
   * does not end its connections. Calls repeat what they cannot know.
   */
  #leave(): void {
    for (const [client, id] of this.#reached) if (!this.#servers.isCurrent(id)) client.connection.stream.destroy();
    for (const client of this.#dedicated) client.connection.stream.destroy();
  }

  async #query(client: pg.PoolClient, text: string, values: readonly unknown[]): Promise<readonly Cells[]> {
    cork(client);
    const statement = this.#statement(text);
    const { name } = statement;
    const sent = this.#sent.get(client) ?? new Set<string>();
    this.#sent.set(client, sent);
    // While a statement is in flight, a second one would be prepared under the same name: send it unnamed.
    if (!this.#pooler.prepares || sent.has(name)) {
      const { rows } = await client.query<Cell[]>({ text: statement.text, values: [...values], rowMode: 'array' });
      return rows;
    }
    sent.add(name);
    try {
      const { rows } = await client.query<Cell[]>({ ...statement, values: [...values], rowMode: 'array' });
      return rows;
    } finally {
      sent.delete(name);
    }
  }

  #statement(text: string): { readonly text: string; readonly name: string } {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = { text: this.#qualified(text), name: `s${this.#statements.size}` };
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #qualified(text: string): string {
    return text.replace(/\bojs\./g, `"${this.address.schema}".`);
  }
}

/** One moment of the schema, until it is disposed of. */
class Snapshot extends Reader implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #name: string;
  readonly #qualified: (text: string) => string;

  constructor(client: pg.Client, name: string, qualified: (text: string) => string) {
    super();
    this.#client = client;
    this.#name = name;
    this.#qualified = qualified;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    try {
      const query = { text: this.#qualified(text), values: [...values], rowMode: 'array' as const };
      return (await this.#client.query<Cell[]>(query)).rows;
    } catch (error) {
      throw explain(error, this.#name);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.end();
  }
}

/** All writes of one iteration of the event loop are sent as one packet. */
function cork({ connection: { stream } }: pg.PoolClient): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

type Cell = unknown;
