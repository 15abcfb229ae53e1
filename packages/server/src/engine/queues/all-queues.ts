import type { Clock, Millis } from '@ojs-ts/core';
import type { OldestJob, QueueRecord, Storage } from '../../storage/storage.ts';
import { turn } from '../page-size.ts';

/** From so many queues on, a reading is shared: on SQLite one of 1,000 queues takes 2 ms. */
const many = 1_000;
/** Queues whose oldest jobs are looked up in one go: a few milliseconds on SQLite. */
const atOnce = 500;
/** The maximum age of a shared reading in milliseconds. */
const freshMs = 1_000;

interface Reading {
  readonly at: Millis;
  readonly queues: Promise<readonly QueueRecord[]>;
}

/**
 * Every queue, for totals and lists. If there are many, they are read at most once a second, and all callers share that
 * reading.
 */
export class AllQueues {
  readonly #storage: Storage;
  readonly #clock: Clock;
  #shared: Reading | null = null;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The store was emptied, or a queue was made or removed by an operator. */
  forget(): void {
    this.#shared = null;
  }

  /** By name. The queues of given names are always read from the store. */
  async queues(names?: readonly string[]): Promise<readonly QueueRecord[]> {
    if (names !== undefined) return this.#storage.registry.queues(names);
    const shared = this.#shared;
    const now = this.#clock.now();
    if (shared !== null && Math.abs(now - shared.at) < freshMs) return shared.queues;
    const reading: Reading = { at: now, queues: this.#storage.registry.queues() };
    // Others wait for this one only where the last one was large.
    if (shared !== null) this.#shared = reading;
    const forget = () => {
      if (this.#shared === reading) this.#shared = null;
    };
    try {
      const found = await reading.queues;
      if (found.length >= many) this.#shared ??= reading;
      else forget();
      return found;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** As the storage's, with turns for other work between parts. */
  async oldest(names: readonly string[]): Promise<readonly OldestJob[]> {
    const found: OldestJob[] = [];
    for (let at = 0; at < names.length; at += atOnce) {
      if (at > 0) await turn();
      found.push(...(await this.#storage.registry.oldest(names.slice(at, at + atOnce))));
    }
    return found;
  }
}
