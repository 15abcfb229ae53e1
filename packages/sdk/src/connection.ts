import { type Answer, type Call, type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import {
  type CallSettings,
  expiry,
  isRefused,
  type Outcome,
  type RetryOptions,
  type RetryRules,
  readBody,
  readRetryRules,
  type Unanswered,
  unanswered,
} from './attempts.ts';
import { type Deadline, within } from './deadline.ts';
import { type Duration, durationMs } from './duration.ts';
import { envText } from './environment.ts';
import { type ErrorContext, OJSError, OJSValidationError, restacked } from './errors.ts';
import { currentFake, type Fake } from './fake.ts';
import type { Wire } from './json.ts';
import { consoleLogger, guarded, type Logger } from './logger.ts';
import { carryOut, type Operation } from './operation.ts';
import type { CallOptions } from './options.ts';
import { part, partsLoaded } from './part.ts';
import { FetchTransport } from './transport/fetch.ts';
import type { HttpOptions, Token } from './transport/http.ts';
import { type TlsOptions, tlsFor } from './transport/tls.ts';

/** How to reach a server; of Client, Worker and Admin alike. Code wins over the environment, and that over the default. */
export interface ConnectionOptions {
  /** Deadline of a call, retries included; default 30 s. */
  timeout?: Duration;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** Sent as `Authorization: Bearer`; a function is asked before every request. Default: `OJS_AUTH_TOKEN`. */
  token?: Token;
  /** For https. Node only: elsewhere the platform has settings of its own. Default: the files that `OJS_TLS_CA_FILE`, `OJS_TLS_CERT_FILE` and `OJS_TLS_KEY_FILE` name. */
  tls?: TlsOptions;
  /** Used instead of the platform's own HTTP client. */
  fetch?: typeof fetch;
  /** Default: 5 retries, from 100 ms to 5 s. */
  requestRetry?: RetryOptions | false;
  /** Default: the console, from `OJS_LOG_LEVEL` (`info`) up. */
  logger?: Logger;
}

/** What becomes of a call whose first attempt did not succeed. */
const failures = part(() => import('./failures.ts'));

const defaultUrl = 'http://localhost:8080';

/** A server as Client and Worker see it: a transport with retries, deadlines and errors. */
export class Connection implements AsyncDisposable {
  /** How HTTP is spoken, where the target is a URL. */
  readonly http: HttpOptions | null;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly retry: RetryRules;
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
    this.retry = readRetryRules(options.requestRetry);
    if (target === undefined || typeof target === 'string') {
      this.http = httpOptions(target, options);
      this.#transport = openHttp(this.http);
    } else {
      this.http = null;
      this.#transport = target;
    }
  }

  /** The way to the server; null in a test with a fake, where nothing goes over a network. */
  get transport(): Transport | null {
    return currentFake() === null ? this.#transport : null;
  }

  /** From now on calls go over new connections. Answers the transport of those under way; null for one that was given: it is its owner's. */
  rebuild(): Transport | null {
    if (this.http === null || this.#closed) return null;
    const old = this.#transport;
    this.#transport = openHttp(this.http);
    return old;
  }

  /** Aborted when this is closed: what follows or waits for others ends with it. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Carries an operation out. @throws as `call`, and what the operation does. */
  ask<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    return carryOut(operation, ({ call, about, settings }) => this.call(call, options, about, settings));
  }

  /**
   * One call, tried again while that is safe and within the deadline: no answer, 429, 500, 502, 503, 504.
   * @throws {OJSAPIError} what the server refused, {OJSConnectionError}, {OJSTimeoutError}, or the reason of the caller's signal.
   */
  async call(call: Call, options: CallOptions, context: ErrorContext = {}, settings: CallSettings = {}): Promise<Wire> {
    const ms = this.deadlineMs(options);
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}`, ...context };
    const failures: OJSError[] = [];
    return await within(
      ms,
      () => expiry(call.operation, ms, about, failures),
      options.signal,
      (deadline) => this.callWithin(deadline, call, about, settings, failures),
    );
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
    const work = this.#settle(call, deadline, about, settings, failures);
    this.#calls.add(work);
    try {
      return await work;
    } catch (error) {
      throw restacked(error);
    } finally {
      this.#calls.delete(work);
    }
  }

  async #settle(call: Call, deadline: Deadline, about: ErrorContext, settings: CallSettings, met: OJSError[]): Promise<Wire> {
    const first = await this.attempt(call, deadline, { ...about, attempt: met.length + 1 }, settings.isAnswer);
    if ('body' in first) return first.body;
    const code = await deadline.race(failures()).catch(() => {
      deadline.signal.throwIfAborted();
      // A browser that is offline cannot load it either.
      throw first.error;
    });
    return code.settle({ connection: this, deadline, call, about, settings, met }, first);
  }

  /** One attempt. Its outcome is a refusal or the lack of an answer too. @throws what ends the deadline. */
  async attempt(call: Call, deadline: Deadline, context: ErrorContext, isAnswer?: CallSettings['isAnswer']): Promise<Outcome> {
    const fake = currentFake();
    const answer = fake === null ? await this.#send(call, deadline, context) : await answered(fake, call, deadline);
    if ('error' in answer) return answer;
    const body = isRefused(answer, isAnswer) ? undefined : readBody(answer);
    if (body !== undefined) return { body };
    const { outcomeOf } = await deadline.race(failures());
    return outcomeOf(answer, context, isAnswer);
  }

  async #send(call: Call, deadline: Deadline, context: ErrorContext): Promise<Answer | Unanswered> {
    const { requestId } = context;
    try {
      return await deadline.race(this.#transport.call(call, { signal: deadline.signal, ...(requestId !== undefined && { requestId }) }));
    } catch (cause) {
      deadline.signal.throwIfAborted();
      return unanswered(cause, context);
    }
  }

  /** Waits for the calls under way, those that are to be tried again too. */
  async close(): Promise<void> {
    // Who waits for code has called before.
    await partsLoaded();
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

/** What a handler throws in inline mode is the caller's own: it is neither an error of the connection nor tried again. */
async function answered(fake: Fake, call: Call, deadline: Deadline): Promise<Answer> {
  const answer = fake.answer(call);
  if (fake.settle !== undefined) await deadline.race(fake.settle(call, answer));
  return answer;
}

/** @throws {OJSValidationError} for a URL or an option that cannot be used. */
export function httpOptions(target: string | undefined, options: ConnectionOptions): HttpOptions {
  const fromEnv = target === undefined ? envText('OJS_BACKEND_URL') : undefined;
  const text = target ?? fromEnv ?? defaultUrl;
  const name = fromEnv === undefined ? 'target' : 'OJS_BACKEND_URL';
  const base = URL.parse(text);
  if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
    throw OJSValidationError.of(name, `expected an http or https URL such as ${defaultUrl}, got ${JSON.stringify(text)}`);
  }
  if (/\/ojs\/v1\/?$/.test(base.pathname))
    throw OJSValidationError.of(name, `expected the URL without /ojs/v1, got ${JSON.stringify(text)}`);
  const token = options.token ?? envText('OJS_AUTH_TOKEN');
  const tls = tlsFor(options.tls, base, options.fetch !== undefined);
  return { base, headers: options.headers ?? {}, token, fetch: options.fetch, ...(tls && { tls }) };
}

function openHttp(options: HttpOptions): Transport {
  return options.fetch === undefined ? platform.httpTransport(options) : new FetchTransport(options);
}
