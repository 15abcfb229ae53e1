import type { Clock, Millis } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Storage } from '../storage/storage.ts';
import { Documents } from './documents.ts';

/** Maintenance mode while it is on. */
export interface MaintenanceRecord {
  readonly enabledAt: Millis;
  readonly reason: string | null;
  /** When the operator expects the end, for people. Nothing ends by itself. */
  readonly estimatedEnd: Millis | null;
}

const kind = 'maintenance';
const key = 'mode';

/**
 * Maintenance mode (ojs-admin-api §12.1): no job starts, no job becomes due, no cron fires. The mode is in the store,
 * so it holds for all servers on the store and survives their restarts. Each server looks once a second.
 */
export class Maintenance {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #ended: () => void;
  #record: MaintenanceRecord | null = null;
  /** Counts what this node has learned, so that a slow read never undoes a later change. */
  #changes = 0;

  /** @param ended called when the mode has ended, on this server or on another. */
  constructor(storage: Storage, clock: Clock, ended: () => void) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
    this.#ended = ended;
  }

  get on(): boolean {
    return this.#record !== null;
  }

  /** Looks at the store. Null while the mode is off. */
  async read(): Promise<MaintenanceRecord | null> {
    const changes = this.#changes;
    const document = await this.#documents.get(kind, key);
    if (changes === this.#changes) this.#set(document === null ? null : recordOf(document.body));
    return this.#record;
  }

  /**
   * Begins the mode, or changes its reason and estimated end.
   * @param about.estimatedMs how long the mode is expected to last from now on, in milliseconds.
   */
  async begin(about: {
    readonly reason: string | null;
    readonly estimatedMs: number | null;
  }): Promise<MaintenanceRecord> {
    const { reason, estimatedMs } = about;
    const now = this.#clock.now();
    const estimatedEnd = estimatedMs === null ? null : now + estimatedMs;
    const record = { enabledAt: (await this.read())?.enabledAt ?? now, reason, estimatedEnd };
    const body: Json = JSON.stringify(record);
    await this.#documents.put(kind, key, body, 'any', now);
    this.#set(record);
    return record;
  }

  async end(): Promise<void> {
    await this.#documents.remove(kind, key);
    this.#set(null);
  }

  /** The store was emptied. */
  forget(): void {
    this.#set(null);
  }

  #set(record: MaintenanceRecord | null): void {
    const ended = this.on && record === null;
    this.#record = record;
    this.#changes += 1;
    if (ended) this.#ended();
  }
}

function recordOf(body: Json): MaintenanceRecord {
  return JSON.parse(body);
}
