import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, ProtocolError, uuidv7 } from '@ojs-ts/core';
import {
  type Bulk,
  type BulkAction,
  type BulkActor,
  type BulkOperation,
  bulkCutoff,
  type NewBulkOperation,
  newBulkOperation,
  stepped,
  stepSize,
  whyNotUndone,
} from '@ojs-ts/core/bulk';
import type { EventKind } from '@ojs-ts/core/events';
import { type JobFilter, type Selection, select } from '@ojs-ts/core/job';
import { type BulkDone, countedIn, notFound } from '@ojs-ts/core/requests';
import type { Storage } from '../../storage/storage.ts';
import { StoreUnwritable } from '../../storage/unavailable.ts';
import type { Tokens } from '../access/tokens.ts';
import type { Batches } from '../batches.ts';
import { Documents } from '../documents.ts';
import type { EngineLog } from '../options.ts';
import { turn } from '../page-size.ts';
import type { Schemas } from '../schemas/schemas.ts';
import { BulkRecords, hasEnded } from './bulk-records.ts';
import { carryOut, plan, type StepParts } from './bulk-step.ts';

/** A server that has died keeps an operation to itself for so long, in milliseconds. */
const leaseMs = 15_000;
/** After a step the calls of users have the store for as long as the step took, up to this many milliseconds. */
const mostPauseMs = 100;
/** Then the other operations have their turn. Twenty steps change 10,000 jobs. */
const stepsOfTurn = 20;
/**
 * The interval at which an operation with a rate continues, and at which a server looks for operations that no server
 * works on.
 */
export const bulkMs = 1_000;
/** Failures in a row after which an operation ends as failed. */
const mostFailures = 10;
/** A count takes no longer, in milliseconds; what it has found by then is a lower bound. */
const countMs = 2_000;
const sampleSize = 10;
/** Operations are kept for a week after their end: the newest hundred, or those that changed the last million jobs. */
const keepMs = 7 * 86_400_000;
const keepOperations = 100;
const keepJobs = 1_000_000;
export const forgetBulkMs = 3_600_000;

const retried = { kind: 'bulk.retry.completed', done: 'retried' } as const;
const deleted = { kind: 'bulk.delete.completed', done: 'deleted' } as const;
const completions: Partial<Record<BulkOperation['action'], { readonly kind: EventKind; readonly done: BulkDone }>> = {
  cancel: { kind: 'bulk.cancel.completed', done: 'cancelled' },
  retry: retried,
  redrive: retried,
  delete: deleted,
  purge: deleted,
};

/** The state of an operation after its turn. */
type Turn = 'ended' | 'waits' | 'goes on';

/** How many jobs match, and some of them. */
export interface BulkCount {
  readonly matched: number;
  readonly isLowerBound: boolean;
  readonly sample: readonly string[];
}

export type BulkStart = Omit<NewBulkOperation, 'startedAt' | 'of' | 'action'> & { readonly action: BulkAction };

/** Stops operations whose creator has lost the right to run them. */
const withoutToken =
  'The token that it acts for was revoked or has expired. Whoever resumes the operation answers for it.';

/** Bulk operations on record: started, counted, worked on by any server, stopped, resumed, undone. */
export class BulkOperations {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #bulk: Bulk;
  readonly #log: EngineLog;
  readonly #tokens: Tokens;
  readonly #records: BulkRecords;
  readonly #parts: StepParts;
  readonly #holder = uuidv7();
  readonly #isManual: boolean;
  readonly #closing = new AbortController();
  readonly #failures = new Map<string, number>();
  #pass: Promise<boolean> | undefined;
  #work: Promise<void> | undefined;
  /** An operation was started, resumed or undone since the last pass began. */
  #isWanted = false;

  /** @param parts.isManual only {@link run} works: for tests, which own the time. */
  constructor(parts: {
    readonly storage: Storage;
    readonly clock: Clock;
    readonly batches: Batches;
    readonly bulk: Bulk;
    readonly schemas: Schemas;
    readonly tokens: Tokens;
    readonly log: EngineLog;
    readonly bytes: number;
    readonly isManual: boolean;
  }) {
    const { storage, clock, batches, schemas, bytes } = parts;
    this.#storage = storage;
    this.#clock = clock;
    this.#bulk = parts.bulk;
    this.#log = parts.log;
    this.#tokens = parts.tokens;
    this.#isManual = parts.isManual;
    this.#records = new BulkRecords(new Documents(storage.records));
    this.#parts = { storage, clock, batches, schemas, records: this.#records, bytes };
  }

  /** The store keeps the count where the filter has only states and a queue; else jobs are read, for two seconds. */
  async count(filter: JobFilter): Promise<BulkCount> {
    const first = await this.#next(filter, null, sampleSize);
    const sample = first.jobs.map(({ id }) => id);
    const { states: _, deadLetter: __, queue, ...others } = filter;
    if (Object.keys(others).length === 0) {
      const queues = await this.#storage.registry.queues(queue === undefined ? undefined : [queue]);
      return { matched: queues.reduce((sum, one) => sum + countedIn(one, filter), 0), isLowerBound: false, sample };
    }
    const end = performance.now() + countMs;
    let matched = first.jobs.length;
    let { next } = first;
    while (next !== null && performance.now() < end) {
      const part = await this.#next(filter, next, 500);
      matched += part.jobs.length;
      next = part.next;
    }
    return { matched, isLowerBound: next !== null, sample };
  }

  /** The same id again begins nothing. */
  async start(operation: BulkStart): Promise<BulkOperation> {
    return this.#begin({ ...operation, of: null, startedAt: this.#clock.now() });
  }

  /** The newest first. */
  list(): Promise<readonly BulkOperation[]> {
    return this.#records.list();
  }

  find(id: string): Promise<BulkOperation | null> {
    return this.#records.get(id);
  }

  /** @throws ProtocolError `not_found` */
  async get(id: string): Promise<BulkOperation> {
    const operation = await this.#records.get(id);
    if (operation === null) throw notFound('bulk operation', id);
    return operation;
  }

  /** The step in progress still counts. @throws ProtocolError `not_found`; `conflict` if it has ended. */
  async stop(id: string): Promise<BulkOperation> {
    return this.#change(id, (operation) => {
      if (hasEnded(operation)) throw conflict(operation, 'The operation has ended already.');
      return { ...operation, state: 'stopped' };
    });
  }

  /**
   * From now on the operation acts for who resumes it.
   * @throws ProtocolError `not_found`; `conflict` if it has ended, or was undone.
   */
  async resume(id: string, actor: BulkActor): Promise<BulkOperation> {
    const now = this.#clock.now();
    const resumed = await this.#change(id, (operation) => {
      if (hasEnded(operation)) throw conflict(operation, 'The operation has ended already.');
      if (operation.undoneBy !== null) throw conflict(operation, 'The operation was undone.');
      if (operation.state === 'running') return operation;
      return { ...operation, state: 'running', actor, error: null, resumedAt: now, doneBefore: operation.done };
    });
    this.#go();
    return resumed;
  }

  /**
   * Starts the operation that takes another one back; called again it answers the same one.
   * @throws ProtocolError `not_found`; `conflict` while it runs, and where it cannot be undone.
   */
  async undo(id: string, actor: BulkActor): Promise<BulkOperation> {
    const wanted = uuidv7(this.#clock);
    const operation = await this.#change(id, (found) => {
      const why = whyNotUndone(found);
      if (why !== null) throw conflict(found, `This operation cannot be undone. ${why}`);
      if (found.state === 'running') throw conflict(found, 'The operation is running: stop it first.');
      return { ...found, undoneBy: found.undoneBy ?? wanted };
    });
    const { queue, changed, selection } = operation;
    const isLowerBound = operation.state === 'stopped';
    const about = { selection, changes: {}, queue, actor, rate: null, matched: changed, isLowerBound };
    const undo = { ...about, id: operation.undoneBy ?? wanted, action: 'undo', of: id } as const;
    return this.#begin({ ...undo, startedAt: this.#clock.now() });
  }

  /** Does what may be done now, for every operation; never twice at once. True if operations are left that run. */
  run(): Promise<boolean> {
    this.#pass ??= this.#all().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  /** Deletes old operations with their steps: those can no longer be undone. */
  async forget(): Promise<void> {
    const before = this.#clock.now() - keepMs;
    const all = await this.#records.list();
    const running = new Set(all.flatMap(({ id, state }) => (state === 'running' ? [id] : [])));
    let count = 0;
    let jobs = 0;
    for (const operation of all) {
      const { id, undoneBy, finishedAt, startedAt, changed } = operation;
      // An undo reads the steps of its operation.
      if (running.has(id) || (undoneBy !== null && running.has(undoneBy))) continue;
      count += 1;
      jobs += changed;
      const isKept = count <= keepOperations && (count === 1 || jobs <= keepJobs);
      if (!isKept || (finishedAt ?? startedAt) < before) await this.#records.remove(operation);
    }
  }

  /** Waits for the step that runs. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#pass?.catch(() => {}), this.#work]);
  }

  #next(filter: JobFilter, after: string | null, limit: number): Selection | Promise<Selection> {
    const maxSeen = 10_000;
    return select(this.#storage, filter, { after, limit, maxBytes: this.#parts.bytes, maxSeen, pause: turn });
  }

  async #begin(operation: NewBulkOperation): Promise<BulkOperation> {
    const begun = await this.#records.add(newBulkOperation(operation), operation.startedAt);
    this.#go();
    return begun;
  }

  async #change(id: string, change: (operation: BulkOperation) => BulkOperation): Promise<BulkOperation> {
    const changed = await this.#records.update(id, change, this.#clock.now());
    if (changed === null) throw notFound('bulk operation', id);
    return changed;
  }

  /**
   * The server that was asked works at once, and continues while there is work; other servers follow within a second.
   */
  #go(): void {
    if (this.#isManual || this.#closing.signal.aborted) return;
    this.#isWanted = true;
    this.#work ??= this.#workOff().finally(() => {
      this.#work = undefined;
      // An operation may have been started while the last pass ended.
      if (this.#isWanted) this.#go();
    });
  }

  async #workOff(): Promise<void> {
    const { signal } = this.#closing;
    // An operation that was started in this millisecond begins in the next one.
    for (let waitMs = 2, isLeft = true; isLeft || this.#isWanted; waitMs = bulkMs) {
      await pause(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#isWanted = false;
      isLeft = await this.run().catch((error: unknown) => {
        this.#log.warn({ err: error }, 'bulk operation interrupted');
        return true;
      });
    }
  }

  /** In turns, so that a short operation does not wait for the end of a long one. */
  async #all(): Promise<boolean> {
    const errors: unknown[] = [];
    const failed = new Set<string>();
    let turns: Turn[];
    do {
      turns = [];
      for (const operation of await this.#records.open()) {
        const { id, state } = operation;
        if (hasEnded(operation)) await this.#records.end(operation, this.#clock.now());
        if (state !== 'running' || failed.has(id)) continue;
        // A failing operation does not block the others.
        const turn = this.#lead(operation).catch((error: unknown): Turn => {
          errors.push(error);
          failed.add(id);
          return 'waits';
        });
        turns.push(await turn);
      }
    } while (turns.includes('goes on'));
    if (errors.length > 0) throw errors[0];
    return turns.includes('waits');
  }

  /** Works on one operation for a turn, or until its end, or until its rate or another server says to wait. */
  async #lead({ id, of }: BulkOperation): Promise<Turn> {
    // A server that does the last step of a stopped operation has its lease: the undo waits for the step.
    const names = [id, ...(of === null ? [] : [of])].map((one) => `bulk.${one}`);
    const { upkeep } = this.#storage;
    const { signal } = this.#closing;
    try {
      for (let done = 0; !signal.aborted; done++) {
        for (const name of names)
          if (!(await upkeep.lease(name, this.#holder, leaseMs, this.#clock.now()))) return 'waits';
        const began = performance.now();
        const operation = await this.#records.get(id);
        if (operation?.state !== 'running') return 'ended';
        if (await this.#tokens.hasEnded(operation.actor.name)) return await this.#halt(operation);
        const now = this.#clock.now();
        const size = now < bulkCutoff(operation) ? 0 : stepSize(operation, now);
        if (size === 0) return 'waits';
        if (done === stepsOfTurn) return 'goes on';
        await this.#step(operation, size);
        await pause(Math.min(mostPauseMs, performance.now() - began), undefined, { signal }).catch(() => {});
      }
      return 'waits';
    } finally {
      for (const name of names) await upkeep.release(name, this.#holder).catch(() => {});
    }
  }

  /** Stops the operations of a token that has ended, just as its calls end; another caller may continue them. */
  async #halt({ id, action, actor }: BulkOperation): Promise<Turn> {
    const halted = await this.#records.update(
      id,
      (one) =>
        one.state === 'running' && one.actor.name === actor.name
          ? { ...one, state: 'stopped', error: withoutToken }
          : null,
      this.#clock.now(),
    );
    if (halted !== null) this.#log.warn({ bulk_id: id, action, principal: actor.name }, 'bulk operation stopped');
    return 'ended';
  }

  async #step(operation: BulkOperation, size: number): Promise<void> {
    const { id, steps, cursor, action } = operation;
    try {
      const planned = await plan(this.#parts, operation, size);
      const tally = planned === null ? { changed: 0, skipped: {} } : await carryOut(this.#parts, operation, planned);
      const now = this.#clock.now();
      const step = planned?.step ?? { ids: [], next: null };
      // An undo follows the steps of its operation, until there is none.
      const next = action === 'undo' && planned !== null ? String(steps + 1) : step.next;
      const advance = (current: BulkOperation) =>
        current.steps === steps && current.cursor === cursor ? stepped(current, { ...step, next }, tally, now) : null;
      const after = await this.#records.update(id, advance, now);
      this.#failures.delete(id);
      if (after?.state === 'done') await this.#tell(after);
    } catch (error) {
      if (!(await this.#hasFailed(operation, error))) throw error;
    }
  }

  /** True once the same operation has failed so often that it ends. A store that is away only holds it up. */
  async #hasFailed({ id, action }: BulkOperation, error: unknown): Promise<boolean> {
    if (isAway(error)) return false;
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.set(id, failures);
    if (failures < mostFailures) return false;
    this.#failures.delete(id);
    this.#log.error({ err: error, bulk_id: id, action }, 'bulk operation failed');
    const now = this.#clock.now();
    const why =
      error instanceof ProtocolError
        ? error.message
        : `A step failed ${mostFailures} times: see the server log. Start a new operation for the jobs that are left.`;
    await this.#records.update(id, (one) => ({ ...one, state: 'failed', finishedAt: now, error: why }), now);
    return true;
  }

  /** The event of ojs-bulk-operations §11, for the actions that have one. */
  async #tell({ id, action, done, changed }: BulkOperation): Promise<void> {
    const event = completions[action];
    if (event === undefined) return;
    const data = JSON.stringify({ total: done, [event.done]: changed, skipped: done - changed });
    await this.#bulk.writeEvent(event.kind, id, data);
  }
}

function conflict({ id, state }: BulkOperation, message: string): ProtocolError {
  return new ProtocolError('conflict', message, { id, state });
}

/** A storage marks a temporary error by `retryable: true`. */
function isAway(error: unknown): boolean {
  if (error instanceof StoreUnwritable) return true;
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
