import { type Clock, isObject, ProtocolError, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';

/** The answer that a repeated call gets again. */
export interface Remembered {
  readonly status: number;
  readonly text: Json;
}

export interface Begun {
  /**
   * Belongs to this use of the key. A repeated call derives the same ids from it; after the key has expired, other ids.
   */
  readonly nonce: string;
  /** The answer of the first call, if it got one. */
  readonly reply: Remembered | null;
}

/** Keys are kept for a day (ojs-bulk-operations §10.2). A search removes old ones every hour. */
const keepMs = 86_400_000;
export const forgetMs = 3_600_000;
/** A larger answer is not kept: a repeated call does the work again, which changes nothing while its jobs exist. */
const maxReply = 4 * 1_048_576;
const rounds = 5;

/** Operations whose answers are kept, each with its own keys. */
const operations = ['enqueue', 'cancel', 'retry', 'delete'] as const;
export type BulkOperation = (typeof operations)[number];

/**
 * Answers of bulk operations by their idempotency key. The key is stored before the work, so that another body under it
 * is refused, and two calls at once do the same work. The answer is stored after the work.
 */
export class BulkReplies {
  readonly #documents: Documents;
  readonly #clock: Clock;

  constructor(storage: Storage, clock: Clock) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /**
   * @param digest of the request's body.
   * @param sent the key as the caller knows it, for messages.
   * @throws ProtocolError `idempotency_conflict` if the key came with another body in the last 24 hours.
   */
  async begin(operation: BulkOperation, key: string, digest: string, sent: string): Promise<Begun> {
    const documents = this.#documents;
    const kind = kindOf(operation);
    for (let round = 0; round < rounds; round++) {
      const now = this.#clock.now();
      const stored = await documents.get(kind, key);
      if (stored === null || stored.updatedAt <= now - keepMs) {
        const nonce = uuidv7(this.#clock);
        if (await documents.put(kind, key, JSON.stringify({ digest, nonce }), stored?.version ?? null, now))
          return { nonce, reply: null };
        continue;
      }
      const first = read(stored.body);
      if (first.digest !== digest) {
        const message = 'This idempotency key came with another request body before; nothing was done.';
        throw new ProtocolError('idempotency_conflict', message, { idempotency_key: sent });
      }
      const kept = read((await documents.get(replyKindOf(operation), key))?.body ?? '{}');
      const { status, text } = kept;
      const isOfThis = kept.nonce === first.nonce && typeof status === 'number' && typeof text === 'string';
      return { nonce: String(first.nonce), reply: isOfThis ? { status, text } : null };
    }
    throw new ProtocolError('backend_unavailable', 'Too many calls came with this idempotency key at once.', {
      idempotency_key: sent,
    });
  }

  async end(operation: BulkOperation, key: string, nonce: string, { status, text }: Remembered): Promise<void> {
    if (text.length > maxReply) return;
    await this.#documents.put(
      replyKindOf(operation),
      key,
      JSON.stringify({ nonce, status, text }),
      'any',
      this.#clock.now(),
    );
  }

  /** Deletes keys that are a day old. */
  async forget(): Promise<void> {
    const before = this.#clock.now() - keepMs;
    for (const operation of operations) {
      for (const { key, updatedAt } of await this.#documents.list(kindOf(operation))) {
        if (updatedAt > before) continue;
        await this.#documents.remove(replyKindOf(operation), key);
        await this.#documents.remove(kindOf(operation), key);
      }
    }
  }
}

function kindOf(operation: BulkOperation): string {
  return `bulk.${operation}`;
}

function replyKindOf(operation: BulkOperation): string {
  return `bulk.${operation}.reply`;
}

function read(body: Json): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(body);
  return isObject(value) ? value : {};
}
