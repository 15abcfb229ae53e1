import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { integer, text } from '../../cells.ts';
import type { StoreMove } from '../../storage.ts';
import { sqlState } from './errors.ts';
import { clientConfig } from './settings.ts';
import type { PostgresAddress } from './url.ts';

/** A server as one of its connections shows it. */
interface Server {
  /** Its own since its start. */
  readonly id: string;
  readonly name: string;
  readonly takesWrites: boolean;
  /** The host of the URL that led there. */
  readonly target: number;
}

/**
 * No two servers have started in the same microsecond. A standby has the identifier of its primary, and an address may
 * lead to one server after the other.
 */
const identity = `SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
  coalesce(host(inet_server_addr()), 'socket'), coalesce(inet_server_port(), 0), pg_is_in_recovery()`;
/** Between two looks of a process that commits nothing, in milliseconds. */
const idleMs = 10_000;

/**
 * Watches which server new connections reach. An open connection says nothing of that: its server may hang, or may have
 * been replaced by another one. So what each new connection reaches is compared with what the others have reached, and
 * while a process commits it opens one each second to look.
 */
export class Servers {
  readonly #address: PostgresAddress;
  readonly #patienceMs: number;
  readonly #moved: () => void;
  #current: Server | null = null;
  #lastMove: StoreMove | null = null;
  #looking: Promise<boolean> | null = null;
  #lookedAt = performance.now();
  /** True if this process has committed since the last look. */
  #isUsed = false;

  /** @param moved called when connections to any server but the current one are of no use any more. */
  constructor(address: PostgresAddress, patienceMs: number, moved: () => void) {
    this.#address = address;
    this.#patienceMs = patienceMs;
    this.#moved = moved;
  }

  /** The host for new connections. */
  get target(): number {
    return this.#current?.target ?? 0;
  }

  get lastMove(): StoreMove | null {
    return this.#lastMove;
  }

  isCurrent(id: string): boolean {
    return id === this.#current?.id;
  }

  committed(): void {
    this.#isUsed = true;
  }

  /** Asks a new connection for its server, whose id it returns. */
  async arrived(client: pg.ClientBase, target: number): Promise<string> {
    const server = await this.#ask(client, target);
    this.#note(server);
    return server.id;
  }

  /** Finds the server that takes writes, where the URL names several and none is known, or none that can be reached. */
  async find(isLost: boolean): Promise<boolean> {
    if (this.#address.targets.length === 1 || (this.#current !== null && !isLost)) return false;
    const before = this.#current?.target;
    return (await this.look()) && this.target !== before;
  }

  /** To be called once a second. */
  lookAgain(): void {
    if (!this.#isUsed && performance.now() - this.#lookedAt < idleMs) return;
    this.#isUsed = false;
    void this.look();
  }

  /** Opens a connection. False if no server answers. */
  look(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#lookedAt = performance.now();
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    const first = await this.#reach(this.target);
    if (first !== null && first !== 'unknown' && first.takesWrites) return this.#note(first);
    const others = this.#address.targets.map((_, target) => target).filter((target) => target !== this.target);
    const found = [first, ...(await Promise.all(others.map((target) => this.#reach(target))))];
    const servers = found.filter((one) => one !== null && one !== 'unknown');
    const best = servers.find(({ takesWrites }) => takesWrites) ?? servers[0];
    return best === undefined ? found.includes('unknown') : this.#note(best);
  }

  /** Null if nothing answers; `unknown` for a server that has no connection to give, or is starting. */
  async #reach(target: number): Promise<Server | 'unknown' | null> {
    const patience = { connectionTimeoutMillis: this.#patienceMs, query_timeout: this.#patienceMs };
    const client = new pg.Client({ ...clientConfig(this.#address, target), ...patience });
    client.on('error', () => {});
    try {
      await client.connect();
      return await this.#ask(client, target);
    } catch (error) {
      return sqlState(error) === null ? null : 'unknown';
    } finally {
      await farewell(client);
    }
  }

  async #ask(client: pg.ClientBase, target: number): Promise<Server> {
    const query = { text: identity, rowMode: 'array' as const, query_timeout: this.#patienceMs };
    const [row = []] = (await client.query<unknown[]>(query)).rows;
    const [started, host, port, isStandby] = row;
    return {
      // Behind a pooler each statement may reach another connection of the pooler.
      id: this.#address.pooled ? `pooler ${target}` : String(integer(started)),
      name: `${text(host)}:${integer(port)}`,
      takesWrites: isStandby !== true,
      target,
    };
  }

  /** A standby replaces no primary: the address may lead there by mistake, and the primary still serves. */
  #note(server: Server): true {
    const before = this.#current;
    if (before?.takesWrites && !server.takesWrites) return true;
    this.#current = server;
    if (before === null || before.id === server.id) return true;
    this.#lastMove = { from: before.name, to: server.name, at: Date.now() };
    this.#moved();
    return true;
  }
}

/** A server that hangs never confirms the end. */
async function farewell(client: pg.Client): Promise<void> {
  const gone = client.end().catch(() => {});
  const timer = new AbortController();
  await Promise.race([gone, sleep(1_000, undefined, { signal: timer.signal, ref: false }).catch(() => {})]);
  timer.abort();
  client.connection.stream.destroy();
}
