import { type Clock, isObject, type Millis, ProtocolError } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import type { Workers } from './workers.ts';

interface Seen {
  /** Null where the worker sent none. */
  readonly digest: string | null;
  readonly at: Millis;
}

const kind = 'worker.secret';
/** A node's record of a worker is read again after this long: another node may have forgotten the worker. */
const freshMs = 60_000;
/** Workers that this node remembers; the others are looked up in the store again. */
const maxSeen = 10_000;

/**
 * The secrets that workers sent with their first call, as digests. From then on no other caller acts in the name of
 * such a worker. A worker that sent none with the first call has none, so no caller can lock it out by a secret of
 * their own.
 */
export class WorkerSecrets {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #workers: Workers;
  readonly #seen = new Map<string, Seen>();

  constructor(storage: Storage, clock: Clock, workers: Workers) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
    this.#workers = workers;
  }

  /**
   * To be called before anything else of a call in the worker's name; notes the digest where that is the worker's first
   * call. Null where there is nothing to wait for.
   * @throws ProtocolError `conflict` where the worker has another secret.
   */
  enter(worker: string, digest: string | null): Promise<void> | null {
    const seen = this.#seen.get(worker);
    if (seen === undefined || this.#clock.now() - seen.at >= freshMs) return this.#lookUp(worker, digest);
    require(worker, digest, seen.digest);
    return null;
  }

  /**
   * Enters, and is true where the worker has this secret: false for one that began without any.
   * @throws ProtocolError `conflict` where the worker has another secret.
   */
  async owns(worker: string, digest: string | null): Promise<boolean> {
    await this.enter(worker, digest);
    return digest !== null && this.#seen.get(worker)?.digest === digest;
  }

  /**
   * Notes nothing.
   * @throws ProtocolError `conflict` where the worker has another secret.
   */
  async check(worker: string, digest: string | null): Promise<void> {
    require(worker, digest, await this.#read(worker));
  }

  /** The worker is forgotten. */
  async remove(worker: string): Promise<void> {
    this.#seen.delete(worker);
    await this.#documents.remove(kind, worker);
  }

  /** Removes secrets of workers that no longer exist. */
  async forgetIdle(): Promise<void> {
    const secrets = await this.#documents.list(kind);
    if (secrets.length === 0) return;
    const known = new Set((await this.#workers.list()).map(({ worker }) => worker));
    const before = this.#clock.now() - freshMs;
    for (const { key, updatedAt } of secrets) if (updatedAt <= before && !known.has(key)) await this.remove(key);
  }

  /** The store was emptied. */
  forget(): void {
    this.#seen.clear();
  }

  async #lookUp(worker: string, digest: string | null): Promise<void> {
    const found = (await this.#read(worker)) ?? (digest === null ? null : await this.#note(worker, digest));
    this.#seen.delete(worker);
    this.#seen.set(worker, { digest: found, at: this.#clock.now() });
    const oldest = this.#seen.size > maxSeen ? this.#seen.keys().next().value : undefined;
    if (oldest !== undefined) this.#seen.delete(oldest);
    require(worker, digest, found);
  }

  /** In this order: a call beside this one writes the secret before anything else makes the worker known. */
  async #note(worker: string, digest: string): Promise<string | null> {
    const isKnown = (await this.#workers.find(worker)) !== null;
    const found = await this.#read(worker);
    if (found !== null || isKnown) return found;
    const body: Json = JSON.stringify({ digest });
    await this.#documents.put(kind, worker, body, null, this.#clock.now());
    return this.#read(worker);
  }

  async #read(worker: string): Promise<string | null> {
    const document = await this.#documents.get(kind, worker);
    const body: unknown = document && JSON.parse(document.body);
    return isObject(body) && typeof body.digest === 'string' ? body.digest : null;
  }
}

function require(worker: string, digest: string | null, expected: string | null): void {
  if (expected === null || expected === digest) return;
  throw new ProtocolError(
    'conflict',
    `The worker ${worker} began with a secret, and this call has ${digest === null ? 'none' : 'another'}.`,
    { worker_id: worker, reason: 'not_owner' },
  );
}
