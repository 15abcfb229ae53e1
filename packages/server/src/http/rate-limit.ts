import { isIPv6 } from 'node:net';
import { ProtocolError } from '@ojs-ts/core';
import type { RequestRate } from '@ojs-ts/core/options';

/** The most clients in memory; beyond them the client that was silent for longest is forgotten. */
const maxClients = 10_000;

export interface Allowance {
  readonly allowed: boolean;
  /** How many requests may follow at once. */
  readonly remaining: number;
  /** If no request is allowed now, until the next one is; else until all are. In milliseconds. */
  readonly waitMs: number;
}

/**
 * A token bucket for each client (ojs-rate-limiting §10.4): `limit` tokens, of which one returns every `perMs / limit`.
 * A bucket is one number: the time when it is full again.
 */
export class RateLimiter {
  readonly #rate: RequestRate;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #fullAt = new Map<string, number>();

  /** @param now in milliseconds; never runs back. */
  constructor(rate: RequestRate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  get clients(): number {
    return this.#fullAt.size;
  }

  take(client: string): Allowance {
    const now = this.#now();
    this.#forget(now);
    const before = this.#ask(client, now);
    if (before.remaining < 1) return before;
    const fullAt = Math.max(this.#fullAt.get(client) ?? now, now) + this.#interval;
    this.#fullAt.delete(client);
    this.#fullAt.set(client, fullAt);
    return { ...this.#ask(client, now), allowed: true };
  }

  /** The state of a client's bucket, without counting a request. */
  peek(client: string): Allowance {
    return this.#ask(client, this.#now());
  }

  get #interval(): number {
    return this.#rate.perMs / this.#rate.limit;
  }

  #ask(client: string, now: number): Allowance {
    const missing = Math.max(0, (this.#fullAt.get(client) ?? now) - now);
    // Dividing a time by a part of it may differ from a whole number in the last bit.
    const remaining = Math.floor(this.#rate.limit - missing / this.#interval + 1e-6);
    const waitMs = remaining >= 1 ? missing : missing - this.#rate.perMs + this.#interval;
    return { allowed: remaining >= 1, remaining: Math.max(0, remaining), waitMs };
  }

  /** A full bucket needs no entry. */
  #forget(now: number): void {
    let looked = 0;
    for (const [client, fullAt] of this.#fullAt) {
      if (this.#fullAt.size < maxClients && (fullAt > now || looked === 2)) return;
      this.#fullAt.delete(client);
      looked += 1;
    }
  }
}

/** The headers of every answer (ojs-http-binding §18.1). */
export function rateHeaders(
  { remaining, waitMs }: Allowance,
  { limit }: RequestRate,
): Readonly<Record<string, string>> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.ceil((Date.now() + waitMs) / 1_000)),
  };
}

/** Whole seconds, because some clients do not read fractions. */
export function rateLimited({ waitMs }: Allowance, { limit, perMs }: RequestRate): ProtocolError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new ProtocolError(
    'rate_limited',
    `Too many requests: a client may send ${limit} in ${perMs / 1_000} s. Try again in ${seconds} s.`,
    {
      limit,
      window_seconds: perMs / 1_000,
      retry_after: seconds,
      retry_after_seconds: seconds,
    },
  );
}

/** Addresses that belong to one client count as one: a whole IPv6 network of 64 bits. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
