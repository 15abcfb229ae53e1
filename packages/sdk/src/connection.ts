import { type Answer, type Call, type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import { apiError, retryAfterMs } from './api-error.ts';
import { backoffMs } from './backoff.ts';
import { Deadline } from './deadline.ts';
import { type Duration, durationMs } from './duration.ts';
import { envText } from './environment.ts';
import { type ErrorContext, type OJSAPIError, OJSConnectionError, OJSError, OJSTimeoutError, OJSValidationError } from './errors.ts';
import { isWire, type Wire } from './json.ts';
import { consoleLogger, guarded, type Logger } from './logger.ts';
import type { CallOptions } from './options.ts';
import { FetchTransport } from './transport/fetch.ts';
import type { HttpOptions, Token } from './transport/http.ts';
import { readTls, type TlsOptions } from './transport/tls.ts';

export interface ConnectionOptions {
  /** Deadline of a call, retries included; default 30 s. */
  timeout?: Duration;
  headers?: Record<string, string>;
  /** Sent as `Authorization: Bearer`; a function is asked before every request. Default: `OJS_AUTH_TOKEN`. */
  token?: Token;
  /** For https. Node only: elsewhere the platform has settings of its own. Default: the files that `OJS_TLS_CA_FILE`, `OJS_TLS_CERT_FILE` and `OJS_TLS_KEY_FILE` name. */
  tls?: TlsOptions;
  /** Used instead of the platform's own HTTP client. */
  fetch?: typeof fetch;
  /** Default: 5 retries, from 100 ms to 5 s. */
  requestRetry?: { maxRetries?: number; minBackoff?: Duration; maxBackoff?: Duration } | false;
  logger?: Logger;
}

interface RetryRules {
  readonly max: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface CallSettings {
  /** Statuses of 400 and more that are an answer all the same. */
  readonly isAnswer?: (answer: Answer) => boolean;
  /** Asked when the server refuses a repeated call whose first outcome is unknown: the body that says the first took effect, or null. */
  readonly recover?: (error: OJSAPIError, call: (call: Call) => Promise<Wire>) => Promise<Wire | null>;
  /** True where an earlier call of somebody else may have had the same effect already. */
  readonly uncertain?: boolean;
  /** Errors that are not worth another attempt although they might pass. */
  readonly isFinal?: (error: OJSAPIError) => boolean;
  /** Told before another attempt; `uncertain` as in `recover`. */
  readonly repeating?: (uncertain: boolean) => void;
}

const defaultUrl = 'http://localhost:8080';

/** A server as Client, Worker and Admin see it: a transport with retries, deadlines and errors. */
export class Connection implements AsyncDisposable {
  /** How HTTP is spoken, where the target is a URL. */
  readonly http: HttpOptions | null;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly #retry: RetryRules;
  #transport: Transport;
  readonly #closing = new AbortController();
  /** Under way, between two attempts too. */
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;
  #disconnected = false;

  /** @throws {OJSValidationError} for a URL or an option that cannot be used. */
  constructor(target: string | Transport | undefined, options: ConnectionOptions) {
    this.logger = options.logger === undefined ? consoleLogger() : guarded(options.logger);
    this.timeoutMs = durationMs(options.timeout ?? 30_000, 'timeout');
    this.#retry = readRetryRules(options.requestRetry);
    if (target === undefined || typeof target === 'string') {
      this.http = httpOptions(target, options);
      this.#transport = openHttp(this.http);
    } else {
      this.http = null;
      this.#transport = target;
    }
  }

  get transport(): Transport {
    return this.#transport;
  }

  /** Goes on over new connections; calls under way end on the old ones. False for a transport that was given: it is its owner's. */
  rebuild(): boolean {
    if (this.http === null || this.#closed) return false;
    const old = this.#transport;
    this.#transport = openHttp(this.http);
    old[Symbol.asyncDispose]().then(undefined, (error: unknown) => {
      this.logger.debug('The old connections did not close.', { error: String(error) });
    });
    return true;
  }

  /** Aborted when this is closed: what follows or waits for others ends with it. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * One operation, tried again while that is safe and within the deadline: no answer, 429, 500, 502, 503, 504.
   * @throws {OJSAPIError} what the server refused, {OJSConnectionError}, {OJSTimeoutError}, or the reason of the caller's signal.
   */
  async call(call: Call, options: CallOptions, context: ErrorContext = {}, settings: CallSettings = {}): Promise<Wire> {
    const ms = this.deadlineMs(options);
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}`, ...context };
    const failures: OJSError[] = [];
    using deadline = new Deadline(ms, () => expiry(call.operation, ms, about, failures), options.signal);
    // Awaited here: the deadline ends with this function.
    return await this.callWithin(deadline, call, about, settings, failures);
  }

  /** How long a call may take, in milliseconds. */
  deadlineMs({ requestTimeout }: CallOptions): number {
    return requestTimeout === undefined ? this.timeoutMs : durationMs(requestTimeout, 'requestTimeout');
  }

  /** Same as `call`, within a deadline that the caller has made. `failures` grows by what every attempt met. */
  async callWithin(
    deadline: Deadline,
    call: Call,
    context: ErrorContext = {},
    settings: CallSettings = {},
    failures: OJSError[] = [],
  ): Promise<Wire> {
    if (this.#closed) throw new OJSError('This client is closed.', { operation: call.operation });
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}`, ...context };
    const again = (other: Call) => this.#attempts(other, deadline, { ...about, operation: other.operation }, {}, []);
    const work = this.#attempts(call, deadline, about, settings, failures, again);
    const over = () => this.#calls.delete(work);
    this.#calls.add(work);
    work.then(over, over);
    return work;
  }

  /** Milliseconds to wait after so many failures; null where there are to be no more attempts. */
  pauseAfter(failures: number): number | null {
    return failures > this.#retry.max ? null : backoffMs(failures, this.#retry.minMs, this.#retry.maxMs);
  }

  /** One attempt, for callers that know better when to try again. @throws as `call`. */
  async once(call: Call, ms: number, signal?: AbortSignal): Promise<Wire> {
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}` };
    const expired = () => new OJSTimeoutError(`${call.operation}: no answer within ${Math.round(ms)} ms.`, about);
    using deadline = new Deadline(ms, expired, signal);
    const outcome = await this.#attempt(call, deadline, about);
    if ('body' in outcome) return outcome.body;
    throw outcome.error;
  }

  async #attempts(
    call: Call,
    deadline: Deadline,
    about: ErrorContext,
    settings: CallSettings,
    failures: OJSError[],
    again?: (call: Call) => Promise<Wire>,
  ): Promise<Wire> {
    let uncertain = settings.uncertain ?? false;
    for (;;) {
      const context = { ...about, attempt: failures.length + 1 };
      const outcome = await this.#attempt(call, deadline, context, settings.isAnswer);
      if ('body' in outcome) return outcome.body;
      if (outcome.final || ('api' in outcome && settings.isFinal?.(outcome.api))) {
        if (uncertain && 'api' in outcome && again && settings.recover) {
          const recovered = await settings.recover(outcome.api, again);
          if (recovered !== null) return recovered;
        }
        throw outcome.error;
      }
      failures.push(outcome.error);
      uncertain ||= !('api' in outcome) || outcome.api.statusCode !== 429;
      const pause = this.pauseAfter(failures.length);
      const wait = outcome.waitMs ?? pause ?? 0;
      if (pause === null || wait >= deadline.remaining) throw outcome.error;
      settings.repeating?.(uncertain);
      await deadline.sleep(wait);
    }
  }

  async #attempt(call: Call, deadline: Deadline, context: ErrorContext, isAnswer?: (answer: Answer) => boolean): Promise<Outcome> {
    const { requestId } = context;
    let answer: Answer;
    try {
      answer = await deadline.race(this.#transport.call(call, { signal: deadline.signal, ...(requestId !== undefined && { requestId }) }));
    } catch (cause) {
      deadline.signal.throwIfAborted();
      return { final: false, error: new OJSConnectionError(`${call.operation}: ${messageOf(cause)}`, { ...context, cause }) };
    }
    if (answer.status < 400 || isAnswer?.(answer)) return readBody(answer, context);
    const api = apiError(answer, context);
    const waitMs = retryAfterMs(answer.headers);
    return { final: !isPassing(api), error: api, api, ...(waitMs !== undefined && { waitMs }) };
  }

  /** Waits for the calls under way, those that are to be tried again too. */
  async close(): Promise<void> {
    this.#end();
    await Promise.allSettled(this.#calls);
    await this.#disconnect();
  }

  /** Waits for the attempts under way; a transport that was given stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#disconnect();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort(new OJSError('This client is closed.'));
  }

  async #disconnect(): Promise<void> {
    if (this.#disconnected) return;
    this.#disconnected = true;
    if (this.http !== null) await this.#transport[Symbol.asyncDispose]();
  }
}

export function expiry(operation: string, ms: number, context: ErrorContext, failures: readonly OJSError[] = []): OJSTimeoutError {
  const cause = failures.at(-1);
  return new OJSTimeoutError(`${operation}: no answer within ${Math.round(ms)} ms.`, {
    operation,
    attempt: failures.length + 1,
    ...(cause && { cause }),
    ...context,
  });
}

type Outcome =
  | { readonly body: Wire }
  | { readonly final: boolean; readonly error: OJSError; readonly waitMs?: number }
  | { readonly final: boolean; readonly error: OJSError; readonly api: OJSAPIError; readonly waitMs?: number };

function readBody(answer: Answer, context: ErrorContext): Outcome {
  // Other servers may have nothing to tell, such as of what was deleted (ojs-http-binding §4).
  if (answer.status === 204) return { body: {} };
  try {
    const body: unknown = JSON.parse(answer.text);
    if (isWire(body)) return { body };
  } catch {
    // Falls through: a page of some proxy is as little an answer as a bare number.
  }
  const start = answer.text.slice(0, 80);
  return {
    final: true,
    error: new OJSConnectionError(`${context.operation}: expected a JSON object, got ${JSON.stringify(start)}.`, context),
  };
}

/** Errors that pass by themselves. A paused queue does too, but only when an operator acts. */
export function isPassing(error: OJSAPIError): boolean {
  return [429, 500, 502, 503, 504].includes(error.statusCode) && error.code !== 'queue_paused';
}

/** Node puts the useful part of a failed connection into the code or the cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  return `${error.message}${code}${cause}`.trim();
}

function httpOptions(target: string | undefined, options: ConnectionOptions): HttpOptions {
  const fromEnv = target === undefined ? envText('OJS_BACKEND_URL') : undefined;
  const text = target ?? fromEnv ?? defaultUrl;
  const base = URL.parse(text);
  if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
    throw OJSValidationError.of(
      fromEnv === undefined ? 'target' : 'OJS_BACKEND_URL',
      `expected an http or https URL such as ${defaultUrl}, got ${JSON.stringify(text)}`,
    );
  }
  const token = options.token ?? envText('OJS_AUTH_TOKEN');
  const tls = readTls(options.tls, base, options.fetch !== undefined);
  return { base, headers: options.headers ?? {}, token, fetch: options.fetch, ...(tls && { tls }) };
}

function openHttp(options: HttpOptions): Transport {
  return options.fetch === undefined ? platform.httpTransport(options) : new FetchTransport(options);
}

function readRetryRules(retry: ConnectionOptions['requestRetry']): RetryRules {
  if (retry === false) return { max: 0, minMs: 0, maxMs: 0 };
  return {
    max: retry?.maxRetries ?? 5,
    minMs: durationMs(retry?.minBackoff ?? 100, 'requestRetry.minBackoff'),
    maxMs: durationMs(retry?.maxBackoff ?? 5_000, 'requestRetry.maxBackoff'),
  };
}
