import type { Clock, Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, State } from '@ojs-ts/core/job';
import { overdue, type Pushed, type PushItem, push, pushedAtOnce, run } from '@ojs-ts/core/lifecycle';
import type { Inserted } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import { coalesce } from '../coalesce.ts';
import type { QueueSettings } from '../queues/queue-settings.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';

/** How many pages of due work a reader does; behind a longer backlog it sees its job before that work. */
const readRounds = 5;

interface Parts {
  readonly batches: Batches;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly queueSettings: QueueSettings;
  readonly upkeep: Upkeep;
}

/** PUSH and INFO (ojs-core §7): inserts jobs, and reads one. */
export class Jobs {
  readonly #parts: Parts;
  readonly #batches: Batches;
  /** Does the due work that a reader waits for; readers that come in the meantime share the next run. */
  readonly #help: (reader: null) => Promise<null>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#batches = parts.batches;
    this.#help = coalesce(
      async (readers: readonly null[]) => {
        await parts.upkeep.promote(readRounds);
        await parts.upkeep.settleOverdue(readRounds);
        return readers;
      },
      { parallel: 1, max: Number.POSITIVE_INFINITY, split: false },
    );
  }

  /** Inserts jobs all or none (ojs-core §7.1). */
  async push(items: readonly PushItem[]): Promise<Pushed> {
    const began = performance.now();
    const inserted = await this.#batches.insert(items.map(({ job }) => job));
    // Almost every push ends with its insert.
    const pushed = pushedAtOnce(items, inserted) ?? (await this.#pushAgain(items, inserted));
    this.#parts.telemetry.enqueued(items, began);
    return pushed;
  }

  /** Inserts each job by itself, in their order. */
  async pushEach(items: readonly PushItem[]): Promise<readonly PromiseSettledResult<Pushed>[]> {
    const began = performance.now();
    const inserted = await this.#batches.insertAll(items.map(({ job }) => [job]));
    this.#parts.telemetry.enqueued(items, began);
    return Promise.all(
      items.map((item, index): PromiseSettledResult<Pushed> | Promise<PromiseSettledResult<Pushed>> => {
        const one = inserted[index];
        if (one?.status === 'rejected') return one;
        const value = one === undefined ? null : pushedAtOnce([item], one.value);
        return value === null ? settled(this.#pushAgain([item], one?.value)) : { status: 'fulfilled', value };
      }),
    );
  }

  /** @param first the answer of the store to the insert of all of them. */
  async #pushAgain(items: readonly PushItem[], first: readonly Inserted[] | undefined): Promise<Pushed> {
    const pushed = await run(push(this.#batches, items, 0, first));
    if (pushed.kind === 'refused' && pushed.why.kind === 'full')
      await this.#parts.queueSettings.rejected(pushed.why, items[pushed.index]?.job.type ?? '');
    return pushed;
  }

  /** The current job, after due promotions and expiries (ojs-core §7.7); null for an unknown job. */
  async get(id: JobId): Promise<JobRecord | null> {
    const job = await this.#batches.get(id);
    if (job === null || !isDue(job, this.#parts.clock.now())) return job;
    await this.#help(null);
    return this.#batches.get(id);
  }
}

async function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([work]);
  return result;
}

function isDue(job: JobRecord, now: Millis): boolean {
  if (job.state === State.active) return overdue(job, now, () => 0) !== null;
  if (job.expiresAt !== null && job.expiresAt <= now) return job.finishedAt === null;
  return (job.state === State.scheduled || job.state === State.retryable) && job.runAt <= now;
}
