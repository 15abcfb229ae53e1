import { type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { Client, type ClientOptions, clientNames } from '../client/client.ts';
import { consoleLogger, guarded, type Logger } from '../connection/logger.ts';
import { OJSError } from '../errors.ts';
import {
  type ArgsIn,
  type InputOf,
  type JobDef,
  type JobTypes,
  type Jsonable,
  type NameIn,
  parseArgs,
} from '../job/definition.ts';
import { type JobOptions, jobNames } from '../job/options.ts';
import { onlyOne, wireRequest } from '../job/wire.ts';
import type { JsonArray, Meta } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Worker } from '../worker/worker.ts';
import { type Deferred, requestContextMiddleware, type Scope, storage } from './scope.ts';

export interface OjsAppOptions<R = JobTypes> extends ClientOptions {
  /** URL of a server, or a transport. Default: as of `Client`. */
  target?: string | Transport | undefined;
  /** The same as `target`, named as in `new Client({ url })`. */
  url?: string | undefined;
  /** Your own client instead of a new one. It stays open when the application closes. */
  client?: Client<R> | undefined;
  /** Starts with the application, and drains before it ends. */
  worker?: Worker<R> | undefined;
  /** Called for a job that could not be sent after its response. Default: an error in the log. */
  onDeferredError?: ((error: unknown, job: { readonly id: string; readonly type: string }) => void) | undefined;
}

export const appNames: NamesOf<OjsAppOptions> = {
  ...clientNames,
  target: true,
  url: true,
  client: true,
  worker: true,
  onDeferredError: true,
};
/** Options of the helpers with a request context. */
export const contextAppNames = { ...appNames, context: true } as const;

/** The body of the health route. */
export interface HealthReport {
  readonly status: 'ok' | 'unavailable';
  readonly server: 'ok' | 'unavailable';
  readonly worker?: object;
}

/** A client with any job registry: deferred jobs were checked against their types at the call. */
interface Enqueues {
  enqueue(target: string | JobDef, args: JsonArray, options: JobOptions): Promise<unknown>;
}

const healthTimeoutMs = 2_000;

/**
 * The state that all requests of an application share: one client, at most one worker, and the jobs that wait for the
 * end of a request (ojs-framework-adapters §5).
 */
export class OjsApp<R = JobTypes> implements AsyncDisposable {
  readonly client: Client<R>;
  readonly worker: Worker<R> | undefined;
  readonly #owned: boolean;
  readonly #logger: Logger;
  readonly #onDeferredError: OjsAppOptions<R>['onDeferredError'];
  readonly #flushing = new Set<Promise<void>>();
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {OJSValidationError} for a wrong or unknown option. */
  constructor(options: OjsAppOptions<R> = {}) {
    checkNames(options, appNames);
    onlyOne({ target: options.target, url: options.url });
    const { target, url, client, worker, onDeferredError, ...clientOptions } = options;
    this.client =
      client ?? (url === undefined ? new Client<R>(target, clientOptions) : new Client<R>({ ...clientOptions, url }));
    this.worker = worker;
    this.#owned = client === undefined;
    this.#logger = options.logger === undefined ? consoleLogger() : guarded(options.logger);
    this.#onDeferredError = onDeferredError;
    // Prepended, so that tracing and encryption see what it adds; only once if two applications share a client.
    const { middlewares } = this.client;
    if (!middlewares.names.includes(requestContextMiddleware.name)) middlewares.prepend(requestContextMiddleware);
  }

  /** Starts the worker, if there is one, without waiting for it. If the worker ends early, the log has an error. */
  start(): void {
    if (this.worker === undefined || this.#running !== undefined) return;
    this.#running = this.worker.start().catch((error: unknown) => {
      this.#logger.error('worker ended: the application goes on without it', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }

  /** Sends the waiting jobs, drains the worker and closes the client. Later calls do nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Enqueues a job once the work around it has succeeded. Within `commit()`, the job is sent after the outermost
   * `commit()` has resolved. Otherwise it is sent after a response with a status below 400; if the response is already
   * sent, at once. A failed request enqueues nothing (FA-001, FA-002). If the process ends before the job is sent, the
   * job is lost: use an outbox if you cannot accept that.
   * @returns the id that the job will have.
   * @throws {OJSValidationError} for a job that cannot be sent; {OJSError} outside of a request.
   */
  enqueueAfterCommit<D extends JobDef>(job: D, args: Jsonable<InputOf<D>>, options?: JobOptions): Promise<string>;
  enqueueAfterCommit<T extends NameIn<R>>(jobType: T, args: ArgsIn<R, T>, options?: JobOptions): Promise<string>;
  async enqueueAfterCommit(target: string | JobDef, args: JsonArray, options: JobOptions = {}): Promise<string> {
    checkNames(options, jobNames);
    const scope = storage.getStore();
    if (scope === undefined) {
      throw new OJSError(
        'enqueueAfterCommit() was called outside of a request and of commit(): there is nothing to wait for.',
      );
    }
    const id = options.id ?? uuidv7();
    const deferred: Deferred = { target, args, options: { ...options, id } };
    const place = placeOf(scope);
    if (typeof place === 'string') {
      if (place === 'sent') await this.#send(deferred);
      return id;
    }
    // Added before any await: the order of the calls is the order of the jobs, even if the calls are not awaited.
    place.deferred.push(deferred);
    try {
      wireRequest({ ...deferred.options, type: typeOf(target), args });
      if (typeof target !== 'string') await parseArgs(target, args);
    } catch (error) {
      const now = placeOf(scope);
      const at = typeof now === 'object' ? now.deferred.indexOf(deferred) : -1;
      if (typeof now === 'object' && at >= 0) now.deferred.splice(at, 1);
      throw error;
    }
    return id;
  }

  /**
   * Runs a database transaction: `commit(() => db.transaction(…))`. Jobs of `enqueueAfterCommit` inside are sent when
   * it has resolved, and dropped when it rejects. Jobs of a nested `commit()` wait for the outermost one.
   * @throws what `work` throws; the error of a job that could not be sent after the commit, once all others were sent.
   */
  async commit<T>(work: () => Promise<T>): Promise<T> {
    const outer = storage.getStore();
    const scope: Scope = { meta: outer?.meta ?? {}, deferred: [], transaction: true };
    let result: T;
    try {
      result = await storage.run(scope, work);
    } catch (error) {
      scope.end = 'dropped';
      throw error;
    }
    const place = outer?.transaction ? placeOf(outer) : 'sent';
    scope.end = place;
    if (typeof place === 'object') place.deferred.push(...scope.deferred);
    else if (place === 'sent') await this.#sendAll(scope.deferred);
    return result;
  }

  /** Opens the scope of one request. */
  open(meta: Meta): Scope {
    return { meta, deferred: [], transaction: false };
  }

  /** Runs a request's code, and everything it awaits, in the scope. */
  within<T>(scope: Scope, work: () => T): T {
    return storage.run(scope, work);
  }

  /** Ends a request: sends its jobs if it succeeded, drops them otherwise. Never rejects. */
  settle(scope: Scope, succeeded: boolean): Promise<void> {
    const waiting = scope.deferred.splice(0);
    scope.end ??= succeeded ? 'sent' : 'dropped';
    if (!succeeded || waiting.length === 0) return Promise.resolve();
    const flush = storage.run(scope, () => this.#flush(waiting));
    this.#flushing.add(flush);
    return flush.finally(() => this.#flushing.delete(flush));
  }

  /** Reports whether server and worker are healthy, in at most 2 s. */
  async health(): Promise<HealthReport> {
    const server = await this.client.health({ requestTimeout: healthTimeoutMs }).then(
      (report) =>
        report.status === 'ok' || report.status === 'healthy' || report.status === 'degraded' ? 'ok' : 'unavailable',
      () => 'unavailable' as const,
    );
    const worker = this.worker?.health();
    const status = server === 'ok' && worker?.ok !== false ? 'ok' : 'unavailable';
    return { status, server, ...(worker !== undefined && { worker }) };
  }

  async #close(): Promise<void> {
    await this.worker?.stop();
    await this.#running;
    while (this.#flushing.size > 0) await Promise.all(this.#flushing);
    if (this.#owned) await this.client.close();
  }

  /**
   * Sends all at the same time: the client merges them into one request, in the order in which they leave its
   * middleware.
   */
  async #flush(waiting: readonly Deferred[]): Promise<void> {
    await Promise.all(
      waiting.map((deferred) =>
        this.#send(deferred).catch((error: unknown) => {
          const about = { id: deferred.options.id ?? '', type: typeOf(deferred.target) };
          if (this.#onDeferredError !== undefined) this.#reportDeferred(error, about);
          else {
            const message = error instanceof Error ? error.message : String(error);
            this.#logger.error('deferred job not enqueued: its response was already sent', {
              job_id: about.id,
              job_type: about.type,
              error: message,
            });
          }
        }),
      ),
    );
  }

  /**
   * Sends all at the same time, as {@link #flush}. One failure does not stop the others: their transaction has
   * committed.
   */
  async #sendAll(waiting: readonly Deferred[]): Promise<void> {
    const outcomes = await Promise.allSettled(waiting.map((deferred) => this.#send(deferred)));
    const failures = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (failures.length > 1)
      throw new AggregateError(failures, `${failures.length} jobs could not be sent after the commit.`);
    if (failures.length === 1) throw failures[0];
  }

  #reportDeferred(error: unknown, about: { readonly id: string; readonly type: string }): void {
    try {
      this.#onDeferredError?.(error, about);
    } catch (failure) {
      this.#logger.error('onDeferredError failed', { job_id: about.id, error: String(failure) });
    }
  }

  async #send({ target, args, options }: Deferred): Promise<void> {
    const client: Enqueues = this.client;
    await client.enqueue(target, args, options);
  }
}

/** The destination of a job of this scope; the scope may have ended. */
function placeOf(scope: Scope): Scope | 'sent' | 'dropped' {
  let place: Scope | 'sent' | 'dropped' = scope;
  while (typeof place === 'object' && place.end !== undefined) place = place.end;
  return place;
}

function typeOf(target: string | JobDef): string {
  return typeof target === 'string' ? target : target.type;
}

export function statusOf(report: HealthReport): 200 | 503 {
  return report.status === 'ok' ? 200 : 503;
}
