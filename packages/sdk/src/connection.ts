import { type Answer, type Call, type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import { apiError, retryAfterMs } from './api-error.ts';
import { backoffMs } from './backoff.ts';
import { Deadline } from './deadline.ts';
import { type Duration, durationMs } from './duration.ts';
import { type ErrorContext, type OJSAPIError, OJSConnectionError, OJSError, OJSTimeoutError, OJSValidationError } from './errors.ts';
import { isWire, type Wire } from './json.ts';
import { consoleLogger, type Logger } from './logger.ts';
import type { CallOptions } from './options.ts';
import { FetchTransport } from './transport/fetch.ts';
import type { HttpOptions, Token } from './transport/http.ts';

export interface ConnectionOptions {
  /** Deadline of a call, retries included; default 30 s. */
  timeout?: Duration;
  headers?: Record<string, string>;
  /** Sent as `Authorization: Bearer`; a function is asked before every request. Default: `OJS_AUTH_TOKEN`. */
  token?: Token;
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
}

const defaultUrl = 'http://localhost:8080';

/** A server as Client, Worker and Admin see it: a transport with retries, deadlines and errors. */
export class Connection implements AsyncDisposable {
  readonly transport: Transport;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly #owned: boolean;
  readonly #retry: RetryRules;
  readonly #closing = new AbortController();
  #closed = false;

  /** @throws {OJSValidationError} for a URL or an option that cannot be used. */
  constructor(target: string | Transport | undefined, options: ConnectionOptions) {
    this.#owned = target === undefined || typeof target === 'string';
    this.logger = options.logger ?? consoleLogger(platform);
    this.timeoutMs = durationMs(options.timeout ?? 30_000, 'timeout');
    this.#retry = readRetryRules(options.requestRetry);
    this.transport = target === undefined || typeof target === 'string' ? openHttp(target, options) : target;
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
    if (this.#closed) throw new OJSError('This client is closed.', { operation: call.operation });
    const ms = options.requestTimeout === undefined ? this.timeoutMs : durationMs(options.requestTimeout, 'requestTimeout');
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}`, ...context };
    const failures: OJSError[] = [];
    const expired = () =>
      new OJSTimeoutError(`${call.operation}: no answer within ${ms} ms.`, {
        ...about,
        attempt: failures.length + 1,
        cause: failures.at(-1),
      });
    using deadline = new Deadline(ms, expired, options.signal);
    const again = (other: Call) => this.#attempts(other, deadline, { ...about, operation: other.operation }, {}, []);
    // Awaited here: the deadline ends with this function.
    return await this.#attempts(call, deadline, about, settings, failures, again);
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
    let uncertain = false;
    for (;;) {
      const context = { ...about, attempt: failures.length + 1 };
      const outcome = await this.#attempt(call, deadline, context, settings.isAnswer);
      if ('body' in outcome) return outcome.body;
      if (outcome.final) {
        if (uncertain && 'api' in outcome && again && settings.recover) {
          const recovered = await settings.recover(outcome.api, again);
          if (recovered !== null) return recovered;
        }
        throw outcome.error;
      }
      failures.push(outcome.error);
      uncertain ||= !('api' in outcome) || outcome.api.statusCode !== 429;
      const wait = outcome.waitMs ?? backoffMs(failures.length, this.#retry.minMs, this.#retry.maxMs);
      if (failures.length > this.#retry.max || wait >= deadline.remaining) throw outcome.error;
      await deadline.sleep(wait);
    }
  }

  async #attempt(call: Call, deadline: Deadline, context: ErrorContext, isAnswer?: (answer: Answer) => boolean): Promise<Outcome> {
    const { requestId } = context;
    let answer: Answer;
    try {
      answer = await deadline.race(this.transport.call(call, { signal: deadline.signal, ...(requestId !== undefined && { requestId }) }));
    } catch (cause) {
      deadline.signal.throwIfAborted();
      return { final: false, error: new OJSConnectionError(`${call.operation}: ${messageOf(cause)}`, { ...context, cause }) };
    }
    if (answer.status < 400 || isAnswer?.(answer)) return readBody(answer, context);
    const api = apiError(answer, context);
    const waitMs = retryAfterMs(answer.headers);
    return { final: !isPassing(api), error: api, api, ...(waitMs !== undefined && { waitMs }) };
  }

  /** Waits for the calls under way; a transport that was given stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort(new OJSError('This client is closed.'));
    if (this.#owned) await this.transport[Symbol.asyncDispose]();
  }
}

type Outcome =
  | { readonly body: Wire }
  | { readonly final: boolean; readonly error: OJSError; readonly waitMs?: number }
  | { readonly final: boolean; readonly error: OJSError; readonly api: OJSAPIError; readonly waitMs?: number };

function readBody(answer: Answer, context: ErrorContext): Outcome {
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

function openHttp(target: string | undefined, options: ConnectionOptions): Transport {
  const text = target ?? platform.env('OJS_BACKEND_URL') ?? defaultUrl;
  const base = URL.parse(text);
  if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
    throw OJSValidationError.of('target', `expected an http or https URL such as ${defaultUrl}, got ${JSON.stringify(text)}`);
  }
  const token = options.token ?? platform.env('OJS_AUTH_TOKEN');
  const http: HttpOptions = { base, headers: options.headers ?? {}, token, fetch: options.fetch };
  return options.fetch === undefined ? platform.httpTransport(http) : new FetchTransport(http);
}

function readRetryRules(retry: ConnectionOptions['requestRetry']): RetryRules {
  if (retry === false) return { max: 0, minMs: 0, maxMs: 0 };
  return {
    max: retry?.maxRetries ?? 5,
    minMs: durationMs(retry?.minBackoff ?? 100, 'requestRetry.minBackoff'),
    maxMs: durationMs(retry?.maxBackoff ?? 5_000, 'requestRetry.maxBackoff'),
  };
}
