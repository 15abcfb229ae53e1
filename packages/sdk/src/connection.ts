import { type Answer, type Call, type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import {
  type CallSettings,
  type End,
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
import { type ErrorContext, OJSError, OJSTimeoutError, OJSValidationError, restacked } from './errors.ts';
import { currentFake, type Fake } from './fake.ts';
import type { Wire } from './json.ts';
import { consoleLogger, guarded, type Logger } from './logger.ts';
import type { Ask, Operation } from './operation.ts';
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

  /** In a test with a fake the way to that: nothing goes over a network. */
  get transport(): Transport {
    const fake = currentFake();
    return fake === null ? this.#transport : transportTo(fake);
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

  /** Carries an operation out. @throws as `call`, and what the operation does. */
  ask<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    return carryOut(operation, ({ call, about, settings }) => this.call(call, options, about, settings));
  }

  /** Same as `ask`, within a deadline that the caller has made. `failures` grows by what every attempt met. */
  askWithin<T>(deadline: Deadline, operation: Operation<T>, failures: OJSError[]): Promise<T> {
    return carryOut(operation, ({ call, about, settings }) => this.callWithin(deadline, call, about, settings, failures));
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

  async #settle(call: Call, deadline: Deadline, about: ErrorContext, settings: CallSettings, failures: OJSError[]): Promise<Wire> {
    const end = await this.#attempts(call, deadline, about, settings, failures);
    if ('body' in end) return end.body;
    const again = async (other: Call) => {
      const found = await this.#attempts(other, deadline, { ...about, operation: other.operation }, {}, []);
      if ('body' in found) return found.body;
      throw found.error;
    };
    if (end.recovery !== null) {
      const body = end.recovery.body(await Promise.all(end.recovery.calls.map(again)));
      if (body !== null) return body;
    }
    throw end.error;
  }

  /** One attempt, for callers that know better when to try again. @throws as `call`. */
  async once(call: Call, ms: number, signal?: AbortSignal): Promise<Wire> {
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}` };
    const expired = () => new OJSTimeoutError(`${call.operation}: no answer within ${Math.round(ms)} ms.`, about);
    const outcome = await within(ms, expired, signal, (deadline) => this.#attempt(call, deadline, about));
    if ('body' in outcome) return outcome.body;
    throw outcome.error;
  }

  async #attempts(call: Call, deadline: Deadline, about: ErrorContext, settings: CallSettings, met: OJSError[]): Promise<End> {
    const first = await this.#attempt(call, deadline, { ...about, attempt: met.length + 1 }, settings.isAnswer);
    if ('body' in first) return first;
    const code = await deadline.race(failures()).catch((): null => {
      deadline.signal.throwIfAborted();
      return null;
    });
    // A browser that is offline cannot load it either.
    if (code === null) return { error: first.error, recovery: null };
    const steps = code.attempts(about, settings, this.retry, () => deadline.remaining, met);
    steps.next();
    let step = steps.next(first);
    while (!step.done) {
      const { context, pauseMs } = step.value;
      if (pauseMs > 0) await deadline.sleep(pauseMs);
      step = steps.next(await this.#attempt(call, deadline, context, settings.isAnswer));
    }
    return step.value;
  }

  async #attempt(call: Call, deadline: Deadline, context: ErrorContext, isAnswer?: (answer: Answer) => boolean): Promise<Outcome> {
    const fake = currentFake();
    const answer = fake === null ? await this.#send(call, deadline, context) : await answered(fake, call, deadline);
    if ('error' in answer) return answer;
    if (!isRefused(answer, isAnswer)) return readBody(answer, context);
    const { refusalOf } = await deadline.race(failures());
    return refusalOf(answer, context);
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

async function carryOut<T>(operation: Operation<T>, send: (ask: Ask) => Promise<Wire>): Promise<T> {
  let step = operation.next();
  while (!step.done) {
    step = await send(step.value).then(
      (body) => operation.next(body),
      (error: unknown) => operation.throw(error),
    );
  }
  return step.value;
}

/** What a handler throws in inline mode is the caller's own: it is neither an error of the connection nor tried again. */
async function answered(fake: Fake, call: Call, deadline: Deadline): Promise<Answer> {
  const answer = fake.answer(call);
  if (fake.settle !== undefined) await deadline.race(fake.settle(call, answer));
  return answer;
}

/** Without streams: what happens is read out of the log. */
function transportTo(fake: Fake): Transport {
  return { call: async (call) => fake.answer(call), async [Symbol.asyncDispose]() {} };
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
