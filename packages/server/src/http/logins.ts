import { ProtocolError } from '@ojs-ts/core';
import { accessEvents } from '@ojs-ts/core/access';
import type { RequestRate } from '@ojs-ts/core/options';
import type { Binding } from '../binding/binding.ts';
import type { Authorization, Holder } from './auth.ts';
import type { Warn } from './connections.ts';
import { clientOf, RateLimiter } from './rate-limit.ts';

/** How long a slowed login waits, in milliseconds. */
const delayMs = 1_000;
/** Slowed logins that wait at once, of one address and in all; beyond them a login is refused unread. */
export const maxWaiting = 64;
const maxWaitingInAll = 1_024;
/** Addresses with their tokens that are remembered. */
const maxKnown = 10_000;
/** Lines of the log about failed logins. */
const logRate: RequestRate = { limit: 100, perMs: 60_000 };

type NewAuditEntry = Parameters<Binding['engine']['audit']['record']>[0];

/** The source of a token. */
export interface Origin {
  readonly address: string;
  readonly route: string;
  readonly requestId: string;
  /** True if this store has sealed it into a cookie: then it is no guess, even if it has ended since. */
  readonly isSealed: boolean;
}

export interface LoginOptions {
  readonly authorization: Authorization;
  /** Failed logins of one address before its further ones are slowed. */
  readonly rate: RequestRate;
  readonly warn: Warn;
  /** Receives entries of the audit log. */
  readonly audit?: (entry: NewAuditEntry) => void;
  /** In milliseconds; never goes back. */
  readonly now?: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

/**
 * Finds the holder of a request's token, and slows down guesses. After too many failures of an address each token from
 * there waits before it is answered, right or wrong, so that guesses in parallel gain nothing. A token that this
 * address has used before does not wait, unless the server has to verify it again.
 */
export class Logins {
  readonly #authorization: Authorization;
  readonly #failures: RateLimiter;
  readonly #lines: RateLimiter;
  readonly #warn: Warn;
  readonly #audit: (entry: NewAuditEntry) => void;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string, number>();
  #waitingInAll = 0;
  #unlogged = 0;

  constructor({ authorization, rate, warn, audit = () => {}, now, wait = sleep }: LoginOptions) {
    this.#authorization = authorization;
    this.#failures = new RateLimiter(rate, now);
    this.#lines = new RateLimiter(logRate, now);
    this.#warn = warn;
    this.#audit = audit;
    this.#wait = wait;
  }

  /**
   * Null for everything but a known token.
   * @throws ProtocolError `rate_limited` where too many logins of the address wait.
   */
  async holder(header: string | undefined, from: Origin): Promise<Holder | null> {
    if (header === undefined || !this.#authorization.isOn) return null;
    const client = clientOf(from.address);
    const known = await this.#authorization.known(header);
    if (known !== null && this.#known.has(pairOf(client, known))) return known;
    if (!from.isSealed && this.#failures.peek(client).remaining < 1) await this.#slow(client);
    const holder = known ?? (await this.#authorization.verify(header));
    if (holder !== null) this.#remember(pairOf(client, holder), holder, from);
    else if (!from.isSealed) this.#failed(client, header, from);
    return holder;
  }

  async #slow(client: string): Promise<void> {
    const own = this.#waiting.get(client) ?? 0;
    if (own >= maxWaiting || this.#waitingInAll >= maxWaitingInAll) {
      const message = 'Too many logins of this address have failed; the token was not read. Try again in 1 s.';
      throw new ProtocolError('rate_limited', message, { retry_after: delayMs / 1_000 });
    }
    this.#waiting.set(client, own + 1);
    this.#waitingInAll += 1;
    await this.#wait(delayMs);
    this.#waitingInAll -= 1;
    const others = (this.#waiting.get(client) ?? 1) - 1;
    if (others === 0) this.#waiting.delete(client);
    else this.#waiting.set(client, others);
  }

  #failed(client: string, header: string, { address, route, requestId }: Origin): void {
    const isFirst = this.#failures.take(client).allowed;
    if (!isFirst || !this.#lines.take('').allowed) {
      this.#unlogged += 1;
      return;
    }
    const more = this.#unlogged === 0 ? {} : { unlogged: this.#unlogged };
    this.#unlogged = 0;
    const token = this.#authorization.claimed(header);
    const about = token === null ? {} : { token_id: token.id, token_name: token.name, token_state: token.state };
    this.#warn({ address, route, request_id: requestId, ...about, ...more }, 'login failed');
    this.#audit({
      event_type: accessEvents.loginFailed,
      principal: 'unknown',
      source_ip: address,
      correlation_id: requestId,
      outcome: 'failure',
      detail: { route, ...about, ...more },
    });
  }

  #remember(pair: string, { name, grant }: Holder, { address, route, requestId }: Origin): void {
    if (!this.#known.has(pair))
      this.#audit({
        event_type: accessEvents.loggedIn,
        principal: name,
        source_ip: address,
        correlation_id: requestId,
        outcome: 'success',
        detail: { route, roles: grant.roles, queues: grant.queues },
      });
    const [oldest] = this.#known;
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(pair);
  }
}

function pairOf(client: string, { name }: Holder): string {
  return `${client} ${name}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
