import type { Clock, Millis } from '@ojs-ts/core';
import { noConfig, queueLimitKey, State } from '@ojs-ts/core/job';
import type { LimitRecord, QueueRecord, Storage } from '../../storage/storage.ts';
import type { AllQueues } from '../queues/all-queues.ts';
import { queueNumbers, readConfig } from '../queues/queue-settings.ts';
import type { Total, Totals } from '../queues/totals.ts';
import type { Backlog, RetentionBacklog } from '../upkeep/retention-backlog.ts';
import { descriptionOf, healthOf, type Workers } from '../workers/workers.ts';

/** The store's figures about its jobs at a moment: kept counts and sums, never a scan. */
export interface StoreReading {
  readonly at: Millis;
  readonly queues: readonly QueueRecord[];
  /** When the job that has been available longest became so, by queue; no queue without such a job. */
  readonly oldest: ReadonlyMap<string, Millis>;
  /** By the name of the queue. */
  readonly limits: ReadonlyMap<string, LimitRecord>;
  readonly workersByState: Readonly<Record<'running' | 'quiet' | 'terminate' | 'stale', number>>;
  /** How many live and running workers read each queue. */
  readonly readers: ReadonlyMap<string, number>;
  readonly totals: readonly Total[];
  /** Rows of users' transactions that wait for their import; null without an inbox. */
  readonly inboxDepth: number | null;
  /** The jobs that retention should have deleted; null if it keeps up. */
  readonly backlog: Backlog | null;
}

interface Parts {
  readonly storage: Storage;
  readonly queues: AllQueues;
  readonly clock: Clock;
  readonly workers: Workers;
  readonly totals: Totals;
  readonly retentionBacklog: RetentionBacklog;
  readonly upkeep: { readonly since: Millis };
  readonly deadAfterMs: number;
}

/** How long a reading serves further scrapes, and how long a scrape waits for one, in milliseconds. */
const freshMs = 1_000;
const patienceMs = 5_000;
/** Queues whose own limits are read. */
const maxLimits = 500;

/** Reads the store for `/metrics`, once for all who scrape at the same time. */
export class StoreReadings {
  readonly #parts: Parts;
  #isReading = false;
  #last: { readonly at: Millis; readonly reading: Promise<StoreReading | null> } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Null if the store fails, or does not answer within 5 s. */
  latest(): Promise<StoreReading | null> {
    const now = this.#parts.clock.now();
    if (this.#last === null || (!this.#isReading && Math.abs(now - this.#last.at) >= freshMs)) {
      this.#isReading = true;
      const reading = this.#inTime().finally(() => {
        this.#isReading = false;
      });
      this.#last = { at: now, reading };
    }
    return this.#last.reading;
  }

  async #inTime(): Promise<StoreReading | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), patienceMs);
    });
    try {
      return await Promise.race([this.#read().catch(() => null), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(): Promise<StoreReading> {
    const { storage, queues: all, clock, workers, totals, retentionBacklog } = this.#parts;
    const at = clock.now();
    const [queues, known, sums, inboxDepth, backlog] = await Promise.all([
      all.queues(),
      workers.list(),
      totals.read(),
      storage.inbox === null ? null : storage.inbox.depth(),
      retentionBacklog.read(),
    ]);
    const waiting = queues.filter(({ counts }) => (counts[State.available] ?? 0) > 0).map(({ name }) => name);
    const [oldest, limits] = await Promise.all([all.oldest(waiting), this.#limits(queues)]);
    const workersByState = { running: 0, quiet: 0, terminate: 0, stale: 0 };
    const readers = new Map<string, number>();
    for (const worker of known) {
      const health = healthOf(worker, at, this.#parts.upkeep.since, this.#parts.deadAfterMs);
      workersByState[health === 'unhealthy' ? 'stale' : worker.state] += 1;
      if (health !== 'ok' || worker.state !== 'running') continue;
      const read = descriptionOf(worker).queues;
      for (const queue of new Set(Array.isArray(read) ? read : [])) readers.set(queue, (readers.get(queue) ?? 0) + 1);
    }
    return {
      at,
      queues,
      oldest: new Map(oldest.map(({ queue, enqueuedAt }) => [queue, enqueuedAt])),
      limits,
      workersByState,
      readers,
      totals: sums,
      inboxDepth,
      backlog,
    };
  }

  /** Keys that jobs name are left out: there may be one for each tenant (ojs-observability §8.4). */
  async #limits(queues: readonly QueueRecord[]): Promise<ReadonlyMap<string, LimitRecord>> {
    const limited = queues
      .filter(({ config }) => config !== noConfig && queueNumbers(readConfig(config)) !== null)
      .slice(0, maxLimits);
    const found = await Promise.all(
      limited.map(async ({ name }) => {
        const limit = await this.#parts.storage.registry.limit(queueLimitKey(name));
        return limit === null ? [] : [[name, limit] as const];
      }),
    );
    return new Map(found.flat());
  }
}
