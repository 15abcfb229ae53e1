import { type Clock, isUuidv7, type Millis, ProtocolError, uuidv7 } from '@ojs-ts/core';
import {
  type Failure,
  type JobId,
  type NewJob,
  type NodeRef,
  type ReadEnvelope,
  readEnvelope,
  recordOf,
  State,
  stateName,
} from '@ojs-ts/core/job';
import { type PushRefusal, push, refusedImport, run } from '@ojs-ts/core/lifecycle';
import { inboxBytes } from '../../storage/inbox.ts';
import type { Inbox, InboxEntry, Inserted, InsertOptions } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import { coalesce } from '../coalesce.ts';
import type { EngineLog } from '../options.ts';
import type { QueueBound } from '../queues/queue-bound.ts';
import { checkEnvelopes } from '../schemas/check.ts';
import type { Schemas } from '../schemas/schemas.ts';

/** Entries of one import: about 10 ms of work. */
const page = 500;

/** `job`: present if the request could be read and was refused. */
type Read = ReadEnvelope | { readonly failure: Failure; readonly job: NewJob | null };

/** Another node has imported the entry. */
class Gone extends Error {}

export interface OutboxImportParts {
  readonly inbox: Inbox;
  readonly batches: Batches;
  readonly clock: Clock;
  readonly schemas: Schemas;
  readonly log: EngineLog;
  readonly insert: InsertOptions;
  readonly advance: (ready: readonly NodeRef[]) => Promise<void>;
  readonly admit: QueueBound['admit'];
}

/**
 * Imports what users' transactions have committed: jobs by the rules of PUSH, completions as ACKs. No caller can get a
 * refusal any more, so a refused job is kept as a discarded one with the reason. Any node may import at any time.
 */
export class OutboxImport {
  readonly #parts: OutboxImportParts;
  readonly #insert: (item: { readonly entry: number; readonly job: NewJob }) => Promise<Inserted | null>;
  readonly #holds: (id: JobId) => Promise<boolean>;
  #running: Promise<void> | null = null;
  #again = false;

  constructor(parts: OutboxImportParts) {
    this.#parts = parts;
    const { inbox, clock, insert } = parts;
    this.#holds = coalesce((ids: readonly JobId[]) => inbox.holds(ids), { parallel: 1, max: page, split: true });
    // One batch at a time, so that jobs are inserted in the order of their entries.
    this.#insert = coalesce((items) => inbox.take(items, clock.now(), insert), {
      parallel: 1,
      max: page,
      split: true,
    });
  }

  /** Imports everything that was committed before the call. */
  run(): Promise<void> {
    if (this.#running) this.#again = true;
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** The same, if a row of the job waits. */
  async find(id: JobId): Promise<void> {
    if (await this.#holds(id)) await this.run();
  }

  async #loop(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#complete();
        await this.#takeIn();
      } while (this.#again);
    } finally {
      this.#running = null;
    }
  }

  async #complete(): Promise<void> {
    const { inbox, clock, advance } = this.#parts;
    for (;;) {
      const { count, ready } = await inbox.complete(page, clock.now());
      if (ready.length > 0) await advance(ready);
      if (count < page) return;
    }
  }

  async #takeIn(): Promise<void> {
    for (;;) {
      const entries = await this.#parts.inbox.read(page);
      const reads = await Promise.all(entries.map(async (entry) => ({ entry, read: await this.#read(entry) })));
      // Started in one iteration of the event loop, so that they are inserted in their order.
      await Promise.all(reads.map(({ entry, read }) => this.#one(entry, read)));
      const bytes = entries.reduce((sum, { request }) => sum + Buffer.byteLength(request), 0);
      if (entries.length < page && bytes < inboxBytes) return;
    }
  }

  async #one(entry: InboxEntry, read: Read): Promise<void> {
    try {
      if ('failure' in read) return await this.#refuse(entry, read.job, read.failure);
      const why = await this.#push(entry, read);
      if (why !== null) await this.#refuse(entry, read.job, why);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
    }
  }

  async #read({ id, request }: InboxEntry): Promise<Read> {
    let job: NewJob | null = null;
    try {
      if (!isUuidv7(id)) throw new ProtocolError('invalid_request', `The id ${id} is no UUIDv7.`);
      const read = readEnvelope(request, this.#parts.clock.now(), () => id);
      // A job that is refused here may not create its queue either.
      await this.#parts.admit([read.job.queue]);
      job = read.job;
      await checkEnvelopes(this.#parts.schemas, [read]);
      return read;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { job, failure: failure(error.code, error.message, error.details) };
    }
  }

  /** Null if the job exists now. */
  async #push({ number }: InboxEntry, item: ReadEnvelope): Promise<Failure | null> {
    const insert = async (group: readonly NewJob[]) =>
      Promise.all(
        group.map(async (job) => {
          const answer = await this.#insert({ entry: number, job });
          if (answer === null) throw new Gone();
          return answer;
        }),
      );
    const pushed = await run(push({ ...this.#parts.batches, insert }, [item]));
    if (pushed.kind === 'refused') return refusal(pushed.why);
    const [first] = pushed.items;
    if (first?.kind !== 'deduplicated') return null;
    const { job, updated } = first;
    const message = updated
      ? `The scheduled job ${job.id} has the same unique key: it got the args and meta of this one.`
      : `Job ${job.id} has the same unique key and is ${stateName(job.state)}; the policy of this one ignores it.`;
    return failure('duplicate', message, { existing_job_id: job.id });
  }

  /** If the id is taken or the request cannot be read, a separate record has the request. */
  async #refuse(entry: InboxEntry, job: NewJob | null, why: Failure): Promise<void> {
    const { inbox, clock, log } = this.#parts;
    const now = clock.now();
    let kept = job === null ? unreadable(entry, entry.id, now) : bare(job);
    for (let fresh = false; ; fresh = true) {
      const [answer] = await inbox.refuse(
        [{ entry: entry.number, job: kept, end: refusedImport(recordOf(kept), why, now) }],
        now,
      );
      if (answer?.kind !== 'duplicate' || fresh) break;
      kept = unreadable(entry, uuidv7(), now);
    }
    log.warn({ job_id: entry.id, kept_as: kept.id, code: why.code }, 'outbox job refused');
  }
}

/** Only its id can refuse this job. */
function bare(job: NewJob): NewJob {
  return { ...job, state: State.pending, unique: null, limits: [], node: null, expiresAt: null };
}

/** The request skips the reader, which has a size limit: no other copy exists, so it is kept whole. */
function unreadable({ request }: InboxEntry, wanted: JobId, now: Millis): NewJob {
  const id = isUuidv7(wanted) ? wanted : uuidv7();
  const envelope = JSON.stringify({
    id,
    type: 'ojs.refused',
    args: [],
    options: { queue: 'ojs.refused', pending: true },
  });
  const job = bare(readEnvelope(envelope, now, () => id).job);
  return { ...job, envelope: job.envelope.replace('"args":[]', () => `"args":[${JSON.stringify(request)}]`) };
}

function refusal(why: PushRefusal): Failure {
  switch (why.kind) {
    case 'duplicate': {
      const { id, state } = why.existing;
      const holder =
        why.by === 'id'
          ? `Another job has the id ${id}`
          : `Job ${id} has the same unique key and is ${stateName(state)}`;
      return failure('duplicate', `${holder}; this one was not enqueued.`, { existing_job_id: id });
    }
    case 'full':
      return failure(
        'queue_full',
        `Queue ${why.queue} held ${why.depth} waiting jobs; it takes at most ${why.bound}.`,
        {
          queue: why.queue,
        },
      );
    case 'paused':
      return failure(
        'queue_paused',
        `Queue ${why.queue} was paused, and this server refuses new jobs for paused queues. ` +
          `Resume it with ojs queues resume ${why.queue}, then enqueue the job again.`,
        {
          queue: why.queue,
        },
      );
  }
}

function failure(code: string, message: string, details: object): Failure {
  return { code, type: code, message, retryable: false, details: JSON.stringify(details), names: [] };
}
