import type { Clock, Millis } from '@ojs-ts/core';
import { type LimitNumbers, queueLimitKey } from '@ojs-ts/core/job';
import { notFound } from '@ojs-ts/core/requests';
import type { LimitRecord, Storage, StoredRecord } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import { changeQueue, queueNumbers } from './queue-settings.ts';

const kind = 'limit.override';

/**
 * Numbers of limits that an operator sets for a while (ojs-rate-limiting §10.2). A document has the time of their end.
 */
export class LimitOverrides {
  readonly #storage: Storage;
  readonly #documents: Documents;
  readonly #clock: Clock;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /** @param expiresAt null for no end. */
  async set(key: string, { concurrency, rates }: LimitNumbers, expiresAt: Millis | null): Promise<LimitRecord> {
    const now = this.#clock.now();
    // The end is written first: after a crash between the two writes, no override lasts longer than requested.
    if (expiresAt !== null) await this.#documents.put(kind, key, JSON.stringify({ expires_at: expiresAt }), 'any', now);
    const record = await this.#storage.registry.overrideLimit(key, { concurrency, rates }, now);
    if (expiresAt === null) await this.#documents.remove(kind, key);
    return record;
  }

  /** Returns to the numbers of the jobs, or those of the queue's configuration. */
  async restore(key: string): Promise<LimitRecord> {
    const prefix = queueLimitKey('');
    const queue = key.startsWith(prefix) ? key.slice(prefix.length) : null;
    const now = this.#clock.now();
    const { registry } = this.#storage;
    if (queue !== null) await changeQueue(this.#storage, queue, now, (config) => ({ limit: queueNumbers(config) }));
    const record = queue === null ? await registry.overrideLimit(key, null, now) : await registry.limit(key);
    await this.#documents.remove(kind, key);
    if (record === null) throw notFound('limit', key);
    return record;
  }

  async expiry(key: string): Promise<Millis | null> {
    const document = await this.#documents.get(kind, key);
    return document === null ? null : expiryOf(document);
  }

  /** Removes expired overrides; any node may do so. */
  async expire(): Promise<void> {
    const now = this.#clock.now();
    for (const { key } of (await this.#documents.list(kind)).filter((document) => expiryOf(document) <= now)) {
      // An operator may have set another one since.
      const expiresAt = await this.expiry(key);
      if (expiresAt !== null && expiresAt <= now) await this.restore(key);
    }
  }
}

function expiryOf({ body }: StoredRecord): Millis {
  const read = JSON.parse(body) as { readonly expires_at: Millis };
  return read.expires_at;
}
