import { isObject, uuidv7 } from '@ojs-ts/core';
import { errorFor, isPassing, itemError } from '../connection/api-error.ts';
import { expiry, pauseAfter, placed } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { currentFake } from '../connection/fake.ts';
import { macrotask, pause } from '../connection/pause.ts';
import { getCall } from '../connection/recovery.ts';
import type { ErrorContext } from '../errors.ts';
import { OJSAPIError, OJSConnectionError, type OJSError } from '../errors.ts';
import { NewJob } from '../job/new-job.ts';
import type { CallOptions } from '../job/options.ts';
import { jobIn, readJob } from '../job/read-job.ts';
import { isPlainRequest, type WireRequest } from '../job/wire.ts';
import { numberOf, parseWire, textOf, type Wire, wireOf } from '../json.ts';
import { bodyOf } from './batches.ts';
import { Coalescer, type Entry } from './coalescer.ts';
import {
  asSentFrom,
  contextOf,
  enqueueOne,
  filledIn,
  outcomeOf,
  readSent,
  type Sent,
  singleCall,
  singleSettings,
} from './single.ts';

/** A request that waits for its outcome, and the details of its own call if it is sent alone. */
class Pending {
  readonly request: WireRequest;
  /** The errors of the attempts of that call. */
  readonly met: OJSError[] = [];
  #about: ErrorContext | undefined;

  constructor(request: WireRequest) {
    this.request = request;
  }

  get about(): ErrorContext {
    this.#about ??= { ...contextOf(this.request), requestId: `req_${uuidv7()}` };
    return this.#about;
  }
}

type Enqueue = Entry<Pending, Sent>;

/** The longest merged request, in characters. By default nginx refuses bodies of more than 1 MB. */
const maxLength = 900_000;
/** Every server with bulk operations takes this many jobs (ojs-bulk-operations §9.1). */
const maxJobs = 1_000;
/**
 * The time after which a server without bulk operations is tried again, in milliseconds: it may have been updated, or a
 * proxy may have answered.
 */
const absentMs = 60_000;

/**
 * Groups up to this size are not halved again but sent one by one. The two turns of an answer have at least as many
 * calls each.
 */
const fewJobs = 8;

/** The meaning of an item of the answer. */
type Verdict =
  | { readonly kind: 'sent'; readonly sent: Sent }
  /** The job that holds the unique key; the answer has only its id. */
  | { readonly kind: 'winner'; readonly id: string }
  | { readonly kind: 'error'; readonly error: OJSAPIError }
  /** The request must be sent alone. `mayBeThere`: the bulk request may have made the job. */
  | { readonly kind: 'alone'; readonly mayBeThere: boolean };

/**
 * Sends merged calls as one `POST /jobs/bulk` with `partial` atomicity, each with its own outcome; one by one if the
 * server has no bulk operations.
 */
export class Bulk {
  /** How many merged requests the server wants at once: its store works on one while the client prepares the next. */
  #atOnce: 1 | 2 = 1;
  /** The most jobs of a request, as far as is known. */
  #max = maxJobs;
  readonly #connection: Connection;
  readonly #coalescer: Coalescer<Pending, Sent>;
  #absentUntil = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#coalescer = new Coalescer({
      run: (group, signal) => this.#send(group, signal),
      max: () => this.#max,
      atOnce: () => this.#atOnce,
      sizeOf: ({ request }) => request.text.length,
      maxSize: maxLength,
    });
  }

  /** Sends one request, merged with others of this moment. */
  one(request: WireRequest, options: CallOptions): Promise<Sent> {
    // A fake gains nothing, and calls of two tests must not become one request.
    if (this.#isAbsent || currentFake() !== null) return this.#connection.carry(enqueueOne(request), options);
    const ms = this.#connection.deadlineMs(options);
    const pending = new Pending(request);
    return this.#coalescer.add(pending, ms, () => expiry(ms, pending.about, pending.met), options.signal);
  }

  get #isAbsent(): boolean {
    return performance.now() < this.#absentUntil;
  }

  /** Settles every entry; never rejects. `signal` aborts when no caller waits any more. */
  async #send(group: readonly Enqueue[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (group.length === 1 || this.#isAbsent) return this.#singly(group, false);
    const ms = Math.max(...group.map(({ remaining }) => remaining));
    using deadline = new Deadline(ms, () => expiry(ms, { operation: 'bulk.enqueue' }), signal);
    await this.#bulk(group, deadline, false, 0);
  }

  async #bulk(group: readonly Enqueue[], deadline: Deadline, uncertain: boolean, failures: number): Promise<void> {
    const present = group.filter(({ gone }) => !gone);
    if (present.length < 2) return this.#singly(present, uncertain);
    let mayBeThere = uncertain;
    let body: Wire;
    try {
      const requests = present.map(({ item }) => item.request);
      const wanted = requests.every(isPlainRequest) ? 'minimal' : 'job';
      const call = {
        operation: 'bulk.enqueue',
        body: bodyOf(`{"atomicity":"partial","x_merged":true,"return":"${wanted}",`, requests, '}'),
      } as const;
      body = await this.#connection.callWithin(
        deadline,
        call,
        {},
        {
          isAnswer: ({ status, text }) => status === 422 && Array.isArray(parseWire(text)?.items),
          // One job may cause the 500: the others must not wait for its retries.
          isFinal: (error) => error.statusCode === 500,
          repeating: (unknown) => {
            mayBeThere ||= unknown;
          },
        },
      );
    } catch (error) {
      return this.#refused(present, error, deadline, mayBeThere);
    }
    this.#atOnce = body.x_at_once === 2 ? 2 : 1;
    const listed = itemsOf(body, present.length);
    const createdAt = asSentFrom(body, listed.filter((item) => item === undefined).length);
    await this.#settle(present, listed, createdAt, deadline, mayBeThere, failures);
  }

  async #settle(
    group: readonly Enqueue[],
    items: readonly (Wire | undefined)[],
    createdAt: number | null,
    deadline: Deadline,
    uncertain: boolean,
    failures: number,
  ): Promise<void> {
    const alone: Enqueue[] = [];
    const unclear: Enqueue[] = [];
    const again: { readonly entry: Enqueue; readonly error: OJSAPIError }[] = [];
    const winners: Promise<void>[] = [];
    for (const [index, entry] of group.entries()) {
      // Callers that get their answers in one turn enqueue again in one turn: one request, for which the server waits.
      if (index >= fewJobs && index === group.length >> 1 && !this.#coalescer.isFull)
        await new Promise<void>(macrotask);
      const item = items[index];
      const { request } = entry.item;
      if (item === undefined && createdAt !== null && isPlainRequest(request)) {
        entry.resolve({ job: new NewJob(request, createdAt), outcome: 'created' });
        continue;
      }
      const verdict = read(item, request, uncertain);
      if (verdict.kind === 'sent') entry.resolve(verdict.sent);
      else if (verdict.kind === 'winner') winners.push(this.#readWinner(entry, verdict.id));
      else if (verdict.kind === 'alone') (verdict.mayBeThere ? unclear : alone).push(entry);
      else if (isPassing(verdict.error)) again.push({ entry, error: verdict.error });
      else entry.reject(verdict.error);
    }
    if (alone.length + unclear.length + again.length + winners.length === 0) return;
    await Promise.all([
      this.#singly(alone, uncertain),
      this.#singly(unclear, true),
      this.#repeat(again, deadline, uncertain, failures + 1),
      ...winners,
    ]);
  }

  /** Sends items that failed for now again, together, after a pause. */
  async #repeat(
    failed: readonly { readonly entry: Enqueue; readonly error: OJSAPIError }[],
    deadline: Deadline,
    uncertain: boolean,
    failures: number,
  ): Promise<void> {
    if (failed.length === 0) return;
    const ms = pauseAfter(failures, this.#connection.retry, deadline.remaining);
    if (ms === null || ms >= deadline.remaining) {
      for (const { entry, error } of failed) entry.reject(error);
      return;
    }
    try {
      await deadline.race(pause(ms, deadline.signal));
    } catch {
      // No caller waits any more.
      return;
    }
    const unknown = uncertain || failed.some(({ error }) => error.statusCode >= 500);
    await this.#bulk(
      failed.map(({ entry }) => entry),
      deadline,
      unknown,
      failures,
    );
  }

  /** The server refused the whole request. A job that would succeed alone must not fail with it. */
  async #refused(group: readonly Enqueue[], error: unknown, deadline: Deadline, uncertain: boolean): Promise<void> {
    if (!(error instanceof OJSAPIError)) {
      for (const entry of group)
        entry.reject(error instanceof OJSConnectionError ? cut(error, entry.item.request) : error);
      return;
    }
    if (error.statusCode === 413) return this.#inParts(group, error, deadline, uncertain);
    const status = error.statusCode;
    if (status === 404 || status === 405 || status === 501) this.#absentUntil = performance.now() + absentMs;
    else if (status === 401 || (isPassing(error) && status !== 500)) {
      for (const entry of group) entry.reject(errorFor(error, contextOf(entry.item.request)));
      return;
    }
    const unknown = uncertain || status === 500;
    if (this.#isAbsent || group.length <= fewJobs) return this.#singly(group, unknown);
    // One job may fail the whole request, for example one nested too deeply to parse. Halving finds it.
    const half = Math.ceil(group.length / 2);
    await Promise.all([
      this.#bulk(group.slice(0, half), deadline, unknown, 0),
      this.#bulk(group.slice(half), deadline, unknown, 0),
    ]);
  }

  /** The request has too many jobs or bytes for the server or a proxy. */
  async #inParts(group: readonly Enqueue[], error: OJSAPIError, deadline: Deadline, uncertain: boolean): Promise<void> {
    const limit = numberOf(error.error.details.max_batch_size);
    const fits =
      limit !== undefined && limit >= 1 && limit < group.length ? Math.floor(limit) : Math.ceil(group.length / 2);
    this.#max = Math.min(this.#max, fits);
    for (let at = 0; at < group.length; at += fits)
      await this.#bulk(group.slice(at, at + fits), deadline, uncertain, 0);
  }

  async #singly(group: readonly Enqueue[], uncertain: boolean): Promise<void> {
    await Promise.all(
      group.map(async (entry) => {
        const { item, deadline } = entry;
        const call = singleCall(item.request);
        try {
          const settings = singleSettings(item.request, uncertain);
          entry.resolve(readSent(await this.#connection.callWithin(deadline, call, item.about, settings, item.met)));
        } catch (error) {
          entry.reject(placed(error, { call, http: this.#connection.http }));
        }
      }),
    );
  }

  async #readWinner(entry: Enqueue, id: string): Promise<void> {
    const { item, deadline } = entry;
    try {
      const body = await this.#connection.callWithin(deadline, getCall(id), contextOf(item.request));
      entry.resolve({ job: readJob(jobIn(body)), outcome: 'duplicate' });
    } catch (error) {
      entry.reject(error);
    }
  }
}

function cut(error: OJSError, request: WireRequest): OJSConnectionError {
  const { attempt, requestId } = error;
  return new OJSConnectionError(error.message, { attempt, requestId, ...contextOf(request), cause: error });
}

/** The items in the order of the request, by their `index` if they have one. */
function itemsOf(body: Wire, count: number): readonly (Wire | undefined)[] {
  const items: (Wire | undefined)[] = Array.from({ length: count }, () => undefined);
  for (const [position, item] of (Array.isArray(body.items) ? body.items : []).entries()) {
    if (isObject(item)) items[numberOf(item.index) ?? position] = item;
  }
  return items;
}

function read(item: Wire | undefined, request: WireRequest, uncertain: boolean): Verdict {
  const job = wireOf(item?.job);
  const status = textOf(item?.status);
  if (item === undefined || status === undefined) return { kind: 'alone', mayBeThere: true };
  if (status === 'created' && job !== undefined) return { kind: 'sent', sent: sentOf(item, job, request) };
  const error = item.error === undefined ? undefined : itemError(item.error, contextOf(request));
  if (status === 'failed') return error === undefined ? { kind: 'alone', mayBeThere: false } : { kind: 'error', error };
  const existing = textOf(job?.id) ?? textOf(error?.error.details.existing_job_id);
  if (existing === request.id) {
    // The id of this request: an earlier attempt, or a caller who repeats an id. Only `POST /jobs` compares the content
    // of such a repetition.
    return uncertain && job !== undefined
      ? { kind: 'sent', sent: sentOf({}, job, request) }
      : { kind: 'alone', mayBeThere: false };
  }
  // No error: the policy is `ignore`, and the other job is the outcome.
  if (error !== undefined && status !== 'deduplicated') return { kind: 'error', error };
  if (job === undefined || existing === undefined) return { kind: 'alone', mayBeThere: status !== 'deduplicated' };
  if (!Array.isArray(job.args)) return { kind: 'winner', id: existing };
  return { kind: 'sent', sent: { job: readJob(job), outcome: outcomeOf({ ...item, deduplicated: true }) } };
}

function sentOf(item: Wire, job: Wire, request: WireRequest): Sent {
  return { job: Array.isArray(job.args) ? readJob(job) : filledIn(request, job), outcome: outcomeOf(item) };
}
