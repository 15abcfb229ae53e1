import { type Clock, formatTimestamp, type Millis } from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { StoreDamaged, StoreUnavailable, StoreUnwritable, type WriteRefusal } from '../../storage/unavailable.ts';
import type { EngineLog } from '../options.ts';

/** How often a store that takes writes is probed, and one that does not. */
const probeMs = 10_000;
const refusedMs = 1_000;
/** A small probe may fit where a large job did not, so a refusal lasts for so long after the last refused write. */
const standsMs = 3_000;
/** A small write that takes longer looks like a refusal to callers: their own calls end by their timeouts. */
const slowMs = 10_000;

/** One line of what the health answer says about the store. */
export interface StoreCheck {
  readonly status: 'pass' | 'fail';
  readonly reason?: string;
  readonly message?: string;
  /** The time of the first refused write that no success has followed. */
  readonly since?: string;
}

/**
 * Decides whether the store takes writes, by the last write that it refused and by a probe of the upkeep, which also
 * notices that it takes them again.
 */
export class StoreHealth {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  #refused: { readonly reason: WriteRefusal; readonly message: string; readonly since: Millis; at: number } | null =
    null;
  /** Since when the store does not answer, as far as this server has noticed. */
  #awaySince: Millis | null = null;
  #probedAt = performance.now();
  #probing: Promise<void> | null = null;
  /** The move that the log has. */
  #movedAt: Millis | null = null;
  #newest = Number.NEGATIVE_INFINITY;
  #damage: string | null = null;
  readonly #closing = new AbortController();
  #checking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(storage: Storage, clock: Clock, log: EngineLog) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  get writes(): StoreCheck {
    if (this.#refused === null) return { status: 'pass' };
    const { reason, message, since } = this.#refused;
    return { status: 'fail', reason, message, since: formatTimestamp(since) };
  }

  /** In place of {@link writes} while the store does not answer. */
  get away(): StoreCheck {
    const since = formatTimestamp(this.#awaySince ?? this.#clock.now());
    return { status: 'fail', reason: 'unreachable', message: 'The storage does not answer.', since };
  }

  get clock(): StoreCheck {
    const newest = this.#newest;
    if (this.#clock.now() >= newest) return { status: 'pass' };
    const message = `The store has times up to ${formatTimestamp(newest)}, which this clock has not reached.`;
    return { status: 'fail', reason: 'behind_store', message };
  }

  get file(): StoreCheck {
    if (this.#damage === null) return { status: 'pass' };
    return { status: 'fail', reason: 'damaged', message: this.#damage };
  }

  /** Looks for damage in the store's file, once, after a time; a short-lived process does not get there. */
  verifyAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#checking = this.verify();
    }, ms).unref();
  }

  async verify(): Promise<void> {
    const began = performance.now();
    const verdict = await this.#storage.verify?.(this.#closing.signal);
    if (verdict === undefined || this.#closing.signal.aborted) return;
    const { problems, whole } = verdict;
    const [first] = problems;
    const took = { took_ms: Math.round(performance.now() - began) };
    if (first !== undefined) {
      this.#damage = first;
      this.#log.error({ problems, ...took }, 'store damaged');
    } else if (whole) this.#log.info(took, 'store checked');
    else this.#log.warn(took, 'store check incomplete');
  }

  /** When another server of the store took over last. */
  get movedAt(): Millis | null {
    return this.#storage.lastMove?.()?.at ?? null;
  }

  /** Ends the look for damage. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closing.abort();
    await this.#checking;
  }

  /** The store has times that the clock has not reached. */
  clockBehind(newest: Millis): void {
    this.#newest = newest;
  }

  /** Call with every error of the store. */
  noticed(error: unknown): void {
    if (error instanceof StoreDamaged) {
      if (this.#damage === null) this.#log.error({ err: error }, 'store damaged');
      this.#damage ??= error.message;
    }
    if (error instanceof StoreUnavailable && !(error instanceof StoreUnwritable)) this.#awaySince ??= this.#clock.now();
    if (!(error instanceof StoreUnwritable)) return;
    const { reason, message } = error;
    const last = this.#refused;
    if (last?.reason !== reason) this.#log.error({ reason, err: error }, 'store takes no writes');
    const since = last?.reason === reason ? last.since : this.#clock.now();
    this.#refused = { reason, message, since, at: performance.now() };
  }

  /** The store has answered a question. */
  answered(): void {
    this.#awaySince = null;
  }

  /**
   * Probes the store where it is time to. A probe that is still running is not joined by another one.
   * @param patienceMs how long it may take.
   * @throws the error of a store that cannot be reached.
   */
  async probe(patienceMs = slowMs): Promise<void> {
    this.#tellMove();
    if (this.#probing === null) {
      if (performance.now() - this.#probedAt < (this.#refused === null ? probeMs : refusedMs)) return;
      this.#probedAt = performance.now();
      this.#probing = this.#storage.probe().finally(() => {
        this.#probing = null;
      });
    }
    try {
      await this.#inTime(this.#probing, patienceMs);
      this.answered();
    } catch (error) {
      if (!(error instanceof StoreUnwritable)) throw error;
      return this.noticed(error);
    }
    if (this.#refused === null || performance.now() - this.#refused.at < standsMs) return;
    this.#refused = null;
    this.#log.info({}, 'store takes writes again');
  }

  /** A write may wait for ever, such as for a synchronous standby that is gone. */
  async #inTime(probing: Promise<void>, ms: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<true>();
    const timer = setTimeout(() => resolve(true), ms).unref();
    const isLate = await Promise.race([probing, late]).finally(() => clearTimeout(timer));
    if (isLate !== true) return;
    // Its end is of interest to the next round only.
    probing.catch(() => {});
    throw new StoreUnwritable('timeout', `A small write has not been committed within ${ms / 1_000} s.`);
  }

  #tellMove(): void {
    const move = this.#storage.lastMove?.() ?? null;
    if (move === null || move.at === this.#movedAt) return;
    this.#movedAt = move.at;
    this.#log.warn({ from: move.from, to: move.to }, 'store moved to another server');
  }
}
