import { isObject } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import type { Operation } from '../connection/operation.ts';
import { getCall, isOwn } from '../connection/recovery.ts';
import { isOjsError, OJSError, OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import type { JobCalls, JobHandle } from '../job/handle.ts';
import { sentHandle } from '../job/new-handle.ts';
import { NewJob } from '../job/new-job.ts';
import type { CallOptions } from '../job/options.ts';
import { jobIn, readJob } from '../job/read-job.ts';
import { atIndex } from '../job/validate-request.ts';
import { isPlainRequest, type WireRequest } from '../job/wire.ts';
import { listOf, numberOf, type Wire, wireOf } from '../json.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { passChain, withParsed, withRest } from './chain.ts';
import { withDelays } from './delays.ts';
import { type Checked, check } from './request.ts';
import { asSentFrom, outcomeOf, type Sent } from './single.ts';
import { typedSentHandle } from './typed.ts';

/** The parts of the producer that a batch uses. */
export interface BatchServices {
  readonly connection: Connection;
  readonly calls: JobCalls;
  /** Calls `onJobEnqueued`. */
  reported(handle: JobHandle): JobHandle;
}

/**
 * Sends a batch. Each request passes the middleware by itself. If one of them fails, nothing is sent (ojs-middleware
 * §9.2, option B).
 */
export async function sendBatch(
  services: BatchServices,
  chain: readonly EnqueueMiddleware[],
  requests: readonly JobRequest[],
  options: CallOptions,
): Promise<JobHandle[]> {
  const { connection } = services;
  const ready = await allOf(requests.map((request, index) => readyAt(index, request, connection.logger)));
  if (chain.length === 0) return sendReady(services, ready, options);
  return withRest(connection, options, { operation: 'job.enqueueBatch' }, (rest) =>
    sendThroughChain(services, chain, ready, rest),
  );
}

/** A request that has passed its checks. */
interface Ready {
  readonly request: JobRequest;
  readonly checked: Checked;
}

function readyAt(index: number, request: JobRequest, logger: Logger): Ready | Promise<Ready> {
  const refuse = (error: unknown): never => {
    throw atIndex(index, error);
  };
  try {
    const checked = check(request, logger);
    if (!(checked instanceof Promise)) return { request, checked };
    return checked.then((own) => ({ request, checked: own }), refuse);
  } catch (error) {
    return refuse(error);
  }
}

/** The values, which need no promise each where none of them is one. */
async function allOf<T>(values: readonly (T | Promise<T>)[]): Promise<T[]> {
  const found: T[] = [];
  for (const value of values) {
    if (value instanceof Promise) return Promise.all(values);
    found.push(value);
  }
  return found;
}

async function sendThroughChain(
  services: BatchServices,
  chain: readonly EnqueueMiddleware[],
  ready: readonly Ready[],
  rest: () => CallOptions,
): Promise<JobHandle[]> {
  const sending = new Rendezvous<Ready, JobHandle>(ready.length, (items) => sendReady(services, items, rest()));
  const passing = ready.map(async ({ request, checked: first }, index) => {
    let arrived = false;
    const send = async (changed: JobRequest) => {
      const checked = withParsed(await check(changed, services.connection.logger), first.parsed, changed);
      arrived = true;
      return sending.arrive(index, { request: changed, checked });
    };
    try {
      const handle = await passChain(chain, request, first.wire, send, services.calls);
      sending.leave(index);
      return handle;
    } catch (error) {
      sending.fail(index, error);
      throw arrived ? error : atIndex(index, error);
    }
  });
  // The first error is the cause of the others.
  return Promise.all(passing);
}

async function sendReady(
  { connection, calls, reported }: BatchServices,
  ready: readonly Ready[],
  options: CallOptions,
): Promise<JobHandle[]> {
  const wires = ready.map(({ checked }) => checked.wire);
  const sent = await sendWires(connection, wires, options);
  return allOf(
    sent.map((one, index) => {
      const own = ready[index];
      const { definition, parsed } = own?.checked ?? {};
      const handle =
        definition === undefined
          ? sentHandle(one.job, one.outcome, calls, parsed)
          : typedSentHandle(one, parsed, definition, calls);
      return handle instanceof Promise ? handle.then(reported) : reported(handle);
    }),
  );
}

/**
 * Enqueues all jobs or none, in one request. @throws {OJSValidationError} for more jobs than the server takes at once.
 */
async function sendWires(connection: Connection, wires: readonly WireRequest[], options: CallOptions): Promise<Sent[]> {
  const limit = wires.length > surelyTaken ? await limitOf(connection, options) : null;
  return withDelays(connection, wires, options, { operation: 'job.enqueueBatch' }, (timed, rest) =>
    connection.carry(enqueueBatch(timed, limit), rest),
  );
}

const limits = new WeakMap<Connection, Promise<number | null>>();

/**
 * The largest batch by the manifest; null if the manifest has none. Asked once a connection, and again after an error.
 */
async function limitOf(connection: Connection, options: CallOptions): Promise<number | null> {
  const pending = limits.get(connection) ?? connection.carry(batchLimit(), options);
  limits.set(connection, pending);
  try {
    return await pending;
  } catch {
    limits.delete(connection);
    options.signal?.throwIfAborted();
    return null;
  }
}

/** Every server takes batches of this size (L4-BULK-002), so smaller ones need no look at the manifest. */
export const surelyTaken = 1_000;

/**
 * Enqueues all jobs or none (ojs-http-binding §9). @throws {OJSValidationError} for more jobs than the server takes at
 * once.
 */
export function* enqueueBatch(requests: readonly WireRequest[], limit: number | null): Operation<Sent[]> {
  const [first] = requests;
  if (first === undefined) return [];
  if (limit !== null && requests.length > limit) throw tooMany(requests.length, limit);
  const ids = requests.map(({ id }) => id);
  const plain = requests.every(isPlainRequest) ? requests : null;
  let answer: Wire;
  try {
    answer = yield {
      call: {
        operation: 'job.enqueueBatch',
        // Most jobs are kept as sent, so an answer that says so need not repeat them. Only the server's answer shows
        // the effect of options.
        body: bodyOf('{', requests, plain === null ? '}' : ',"return":"minimal"}'),
        idempotencyKey: first.id,
      },
      settings: {
        recover: (error) => (isOwn(error, ids) ? { calls: ids.map(getCall), body: (jobs) => ({ jobs }) } : null),
      },
    };
  } catch (error) {
    if (!isOjsError(error, 'batch_size_exceeded') || !('error' in error)) throw error;
    throw tooMany(requests.length, numberOf(wireOf(wireOf(error.error)?.details)?.max_batch_size), error);
  }
  const createdAt = asSentFrom(answer, requests.length);
  if (plain !== null && createdAt !== null)
    return plain.map((one) => ({ job: new NewJob(one, createdAt), outcome: 'created' }));
  return listOf(answer.jobs).map((raw) => ({
    job: readJob(jobIn(raw)),
    outcome: isObject(raw) ? outcomeOf(raw) : 'created',
  }));
}

/**
 * The text of a request with these jobs: one text, not one of parts, which an engine in this process would read slower
 * (0.4 µs a job).
 */
export function bodyOf(head: string, requests: readonly WireRequest[], tail: string): string {
  return [head, '"jobs":[', requests.map(({ text }) => text).join(','), ']', tail].join('');
}

/** The largest batch by the manifest; null if the manifest has none. */
export function* batchLimit(): Operation<number | null> {
  const manifest = yield { call: { operation: 'system.manifest' } };
  return numberOf(wireOf(manifest.limits)?.max_batch_jobs) ?? null;
}

function tooMany(count: number, max: number | undefined, cause?: unknown): OJSValidationError {
  const message =
    `expected at most ${max ?? 'as many jobs as the server takes'} in one batch, got ${count}; ` +
    'nothing was enqueued';
  return new OJSValidationError(`requests: ${message}`, {
    cause,
    operation: 'job.enqueueBatch',
    issues: [{ path: 'requests', message }],
  });
}

interface Arrival<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The requests of a batch wait for each other at the end of their middleware, so a batch stays one request: `send` runs
 * when all that were not dropped have arrived. If middleware calls `next()` again after an error, there is a second
 * request as soon as all others have returned too.
 */
export class Rendezvous<In, Out> {
  readonly #send: (items: readonly In[]) => Promise<readonly Out[]>;
  readonly #arrived = new Map<number, Arrival<In, Out>>();
  readonly #left = new Set<number>();
  readonly #count: number;
  #broken: { readonly error: unknown } | null = null;

  constructor(count: number, send: (items: readonly In[]) => Promise<readonly Out[]>) {
    this.#count = count;
    this.#send = send;
  }

  /** The outcome of the item at `index` of the batch. */
  arrive(index: number, item: In): Promise<Out> {
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.#arrived.set(index, { item, resolve, reject });
    this.#advance();
    return promise;
  }

  /** The middleware of the item has ended: the item was dropped, or has its outcome. */
  leave(index: number): void {
    this.#left.add(index);
    this.#advance();
  }

  /** The middleware of an item failed, so the batch is not sent. */
  fail(index: number, error: unknown): void {
    this.#broken ??= { error };
    this.leave(index);
  }

  #advance(): void {
    if (this.#arrived.size + this.#left.size < this.#count || this.#arrived.size === 0) return;
    const round = [...this.#arrived].toSorted(([a], [b]) => a - b).map(([, arrival]) => arrival);
    this.#arrived.clear();
    if (this.#broken !== null) for (const { reject } of round) reject(this.#broken.error);
    else void this.#settle(round);
  }

  async #settle(round: readonly Arrival<In, Out>[]): Promise<void> {
    try {
      const outs = await this.#send(round.map(({ item }) => item));
      round.forEach(({ resolve, reject }, index) => {
        const out = outs[index];
        if (out === undefined) reject(new OJSError('The server answered a batch with fewer jobs than were sent.'));
        else resolve(out);
      });
    } catch (error) {
      for (const { reject } of round) reject(error);
    }
  }
}
