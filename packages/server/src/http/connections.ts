import type { BlockList } from 'node:net';
import { isProxy } from './proxies.ts';
import { clientOf } from './rate-limit.ts';

export interface ConnectionLimits {
  /** Connections at once. A tenth more is a reserve for clients that prove a token with their first request. */
  readonly all: number;
  /** Connections of one address that have proven no token. */
  readonly perAddress: number;
  /** Their connections are those of many clients, so no limit by address holds for them. */
  readonly proxies: BlockList | null;
  /** Without tokens no caller can prove one, and there is no reserve. */
  readonly hasTokens: () => boolean;
}

/** Writes a line of the log: its fields, and its name. */
export type Warn = (fields: object, message: string) => void;

/** Once idle for so long a connection may be closed to make room: a new client has this time for its request. */
export const graceMs = 1_000;
/** How long a connection may be idle under pressure: Node's default. Otherwise it is 72 s. */
export const pressedIdleMs = 5_000;
/** Pressure begins at this part of all connections. */
const pressure = 0.8;
/** A limit that is met is logged at most once in this time. */
export const logEveryMs = 10_000;

export interface Connection {
  readonly address: Address | null;
  readonly close: () => void;
  /** Requests in flight. */
  requests: number;
  idleSince: number;
  isOpen: boolean;
  /** It has sent a known token, and is never closed to make room. */
  isProven: boolean;
  /** Admitted from the reserve: it is closed after its first answer unless it proves a token. */
  onProbation: boolean;
}

/** The connections of one address. */
interface Address {
  readonly name: string;
  /** Connections that have proven no token, and those of them that are idle: the longest idle first. */
  count: number;
  readonly idle: Set<Connection>;
}

type Limit = 'all' | 'address';
type Outcome = 'closed' | 'probation' | 'refused';

/**
 * Who may be connected (times in milliseconds). At a limit, the connection without a token that has been idle for
 * longest is closed. If there is none, a new connection is admitted from the reserve, or refused.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #warn: Warn;
  readonly #now: () => number;
  readonly #addresses = new Map<string, Address>();
  readonly #idle = new Set<Connection>();
  readonly #met = new Map<Limit, Record<Outcome, number> & { from: string; loggedAt: number }>();
  #count = 0;
  #probation = 0;

  /** @param now never goes back. */
  constructor(limits: ConnectionLimits, warn: Warn, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#warn = warn;
    this.#now = now;
  }

  get count(): number {
    return this.#count;
  }

  /** Null where there is no room. */
  open(from: string, close: () => void): Connection | null {
    const address = this.#addressOf(from);
    let limit = this.#limitOf(address);
    if (limit !== null && this.#makeRoom((limit === 'address' ? address : null)?.idle ?? this.#idle)) {
      this.#note(limit, 'closed', from);
      limit = this.#limitOf(address);
    }
    if (limit === null) return this.#add(address, close, false);
    const reserve = this.#limits.hasTokens() ? Math.ceil(this.#limits.all / 10) : 0;
    const hasReserve = this.#probation < reserve && this.#count < this.#limits.all + reserve;
    this.#note(limit, hasReserve ? 'probation' : 'refused', from);
    return hasReserve ? this.#add(address, close, true) : null;
  }

  /** A request has come. */
  began(connection: Connection): void {
    connection.requests += 1;
    this.#setBusy(connection);
  }

  /** An answer is out. */
  ended(connection: Connection): void {
    connection.requests -= 1;
    if (connection.requests === 0) this.#setIdle(connection);
  }

  /** A known token has come. */
  prove(connection: Connection): void {
    if (connection.isProven || !connection.isOpen) return;
    this.#leave(connection);
    connection.isProven = true;
  }

  closed(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#count -= 1;
    if (!connection.isProven) this.#leave(connection);
  }

  /** To be called about twice a second. */
  sweep(): void {
    const least = this.#limits.all * pressure;
    while (this.#count > least && this.#makeRoom(this.#idle, pressedIdleMs));
    for (const limit of this.#met.keys()) this.#write(limit);
  }

  #addressOf(from: string): Address | null {
    if (isProxy(this.#limits.proxies, from)) return null;
    const name = clientOf(from);
    return this.#addresses.get(name) ?? { name, count: 0, idle: new Set() };
  }

  #limitOf(address: Address | null): Limit | null {
    if (address !== null && address.count >= this.#limits.perAddress) return 'address';
    return this.#count >= this.#limits.all ? 'all' : null;
  }

  #add(address: Address | null, close: () => void, onProbation: boolean): Connection {
    const connection: Connection = {
      address,
      close,
      requests: 0,
      idleSince: 0,
      isOpen: true,
      isProven: false,
      onProbation,
    };
    this.#count += 1;
    if (onProbation) this.#probation += 1;
    if (address !== null) {
      address.count += 1;
      this.#addresses.set(address.name, address);
    }
    this.#setIdle(connection);
    return connection;
  }

  /** Closes the longest idle of these, where it has been idle for long enough. */
  #makeRoom(among: ReadonlySet<Connection>, idleMs = graceMs): boolean {
    const [oldest] = among;
    if (oldest === undefined || oldest.idleSince > this.#now() - idleMs) return false;
    this.closed(oldest);
    oldest.close();
    return true;
  }

  #setIdle(connection: Connection): void {
    if (connection.isProven || !connection.isOpen) return;
    connection.idleSince = this.#now();
    this.#idle.add(connection);
    connection.address?.idle.add(connection);
  }

  #setBusy(connection: Connection): void {
    this.#idle.delete(connection);
    connection.address?.idle.delete(connection);
  }

  /** Takes it from those that have proven no token. */
  #leave(connection: Connection): void {
    this.#setBusy(connection);
    const { address } = connection;
    if (address !== null) {
      address.count -= 1;
      if (address.count === 0) this.#addresses.delete(address.name);
    }
    if (connection.onProbation) this.#probation -= 1;
    connection.onProbation = false;
  }

  #note(limit: Limit, outcome: Outcome, from: string): void {
    const met = this.#met.get(limit) ?? { closed: 0, probation: 0, refused: 0, from, loggedAt: -Infinity };
    met[outcome] += 1;
    met.from = from;
    this.#met.set(limit, met);
    this.#write(limit);
  }

  #write(limit: Limit): void {
    const met = this.#met.get(limit);
    const now = this.#now();
    if (met === undefined || now - met.loggedAt < logEveryMs) return;
    const { closed, probation, refused, from } = met;
    if (closed + probation + refused === 0) return;
    const most = limit === 'all' ? this.#limits.all : this.#limits.perAddress;
    const address = limit === 'address' ? { address: from } : {};
    const fields = { limit, most, ...address, open: this.#count, closed, from_reserve: probation, refused };
    this.#warn(fields, 'connection limit reached');
    this.#met.set(limit, { closed: 0, probation: 0, refused: 0, from, loggedAt: now });
  }
}
