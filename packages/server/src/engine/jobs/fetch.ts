import type { Clock } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import type { Storage } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import type { Maintenance } from '../maintenance.ts';
import type { EngineSettings } from '../options.ts';
import { FetchLines } from './fetch-lines.ts';
import type { Suspects } from './suspects.ts';

export interface FetchRequest {
  readonly queues: readonly string[];
  readonly count: number;
  readonly worker: string | null;
  /** Visibility timeout of the request, in milliseconds. */
  readonly leaseMs: number | null;
  /** True if its claims require their leases. */
  readonly leases?: boolean;
  /** True if the worker has durable steps. */
  readonly steps?: boolean;
  /** Digest of the secret that the worker sent. */
  readonly secretDigest?: string | null;
  /** The fetch's own id: a repeat gets the same claims. */
  readonly request: string | null;
  /** How long the server may hold an empty answer, in milliseconds; 0 answers at once. */
  readonly waitMs: number;
}

interface Parts {
  readonly batches: Batches;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly maintenance: Maintenance;
  readonly suspects: Suspects;
}

/** FETCH (ojs-core §7.2) with long poll. */
export class Fetches {
  readonly #parts: Parts;
  readonly #lines = new FetchLines();
  readonly #closed = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Fetches of the worker that wait get nothing any more; later ones do. */
  leave(worker: string): void {
    this.#lines.end(worker);
  }

  /** Jobs may have become available in the queue, or in any queue for null. */
  wake(queue: string | null): void {
    this.#lines.wake(queue);
  }

  /** Waiting fetches answer empty at once; later ones never wait. */
  close(): void {
    this.#closed.abort();
    this.#lines.wakeAll();
  }

  async fetch(request: FetchRequest, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    const claim = {
      request: request.request,
      queues: request.queues,
      limit: request.count,
      worker: request.worker,
      leaseMs: request.leaseMs,
      defaultLeaseMs: this.#parts.settings.visibilityMs,
      leaseRequired: request.leases === true || this.#parts.settings.requireLease,
    };
    const { worker } = request;
    const starts = async () =>
      !this.#parts.maintenance.on && !(worker !== null && (await this.#parts.suspects.holds(worker)));
    const claimed = async () =>
      (await starts())
        ? { ...(await this.#parts.batches.claim(claim)), mayStart: true }
        : { jobs: await this.repeated(request), again: null, mayStart: false };
    if (request.waitMs <= 0 || this.#closed.signal.aborted) return (await claimed()).jobs;
    const until = performance.now() + request.waitMs;
    using place = this.#lines.join(request.queues, worker);
    for (;;) {
      place.asks();
      const { jobs, again, mayStart } = await claimed();
      const left = until - performance.now();
      if (jobs.length > 0) place.served();
      if (jobs.length > 0 || left <= 0 || signal?.aborted || this.#closed.signal.aborted) return jobs;
      if (!mayStart) place.passOn();
      // No commit announces the time at which a rate allows the next start.
      const reopens = again === null ? this.#lines.pollMs : Math.max(1, again - this.#parts.clock.now());
      const asks = await place.wait(Math.min(this.#lines.pollMs, reopens), left, signal);
      if (!asks || this.#closed.signal.aborted) return [];
      if (signal?.aborted || place.isOver) {
        // The wake-up was for any fetch of the line.
        place.wake();
        return [];
      }
    }
  }

  /** Starts no job, but a worker whose answer was lost asks again and gets its jobs. */
  async repeated({ request, worker }: FetchRequest): Promise<readonly JobRecord[]> {
    if (request === null) return [];
    const { jobs } = this.#parts.storage;
    const [claims = []] = await jobs.claimsOf([{ request, worker }]);
    const found = await jobs.get(claims.map(({ id }) => id));
    return found.flatMap((job, at) => (job?.state === State.active && job.claim === claims[at]?.claim ? [job] : []));
  }
}
