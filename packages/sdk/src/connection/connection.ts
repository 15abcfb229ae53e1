import { type Answer, type Call, type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import {
  closedError,
  type ErrorContext,
  OJSAnswerError,
  type OJSError,
  OJSValidationError,
  restacked,
} from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import type { Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, warnOfSeconds } from '../options/values.ts';
import { defaultUrl, type HttpOptions, readBaseUrl, type Token } from '../transport/http.ts';
import { type TlsOptions, tlsNames } from '../transport/tls.ts';
import {
  attempts,
  type CallSettings,
  type End,
  expiry,
  type Outcome,
  outcomeOf,
  placed,
  type RetryOptions,
  type RetryRules,
  readRetryRules,
  unanswered,
} from './attempts.ts';
import { type Deadline, within } from './deadline.ts';
import { currentFake, type Fake } from './fake.ts';
import { consoleLogger, guarded, type Logger } from './logger.ts';
import { carryOut, type Operation } from './operation.ts';
import { pause } from './pause.ts';
import { ServerClock } from './server-clock.ts';
import { isTransport } from './target.ts';

/**
 * How a Client, Worker or Admin reaches the server. An option wins over its environment variable, and the variable over
 * the default.
 */
export interface ConnectionOptions {
  /** Deadline of a call with its retries. Default: 30 s. */
  timeout?: Duration | undefined;
  /** Headers of every request. */
  headers?: Record<string, string> | undefined;
  /** The token for `Authorization: Bearer`. A function is called before every request. Default: `OJS_AUTH_TOKEN`. */
  token?: Token | undefined;
  /**
   * TLS settings for https, on Node only. Default: the files in `OJS_TLS_CA_FILE`, `OJS_TLS_CERT_FILE` and
   * `OJS_TLS_KEY_FILE`.
   */
  tls?: TlsOptions | undefined;
  /** Replaces the HTTP client of the platform. */
  fetch?: typeof fetch | undefined;
  /** Retries of a failed call; false for none. Default: until its `timeout`, with pauses from 100 ms to 5 s. */
  requestRetry?: RetryOptions | false | undefined;
  /**
   * Default: the console (standard error in a process), from `OJS_LOG_LEVEL` up. The default level is `info`, and
   * `warn` if `NODE_ENV` is `test`.
   */
  logger?: Logger | undefined;
}

export const connectionNames: NamesOf<ConnectionOptions> = {
  timeout: true,
  headers: true,
  token: true,
  tls: tlsNames,
  fetch: true,
  requestRetry: true,
  logger: true,
};

/** Before this attempt, after one to three seconds, the log says that a call is tried again. */
const toldAttempt = 4;

/** The connection of a Client, Worker or Admin: a transport with retries, deadlines and errors. */
export class Connection implements AsyncDisposable {
  /** Settings for HTTP; null if the target is a transport. */
  readonly http: HttpOptions | null;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly retry: RetryRules;
  readonly clock = new ServerClock();
  /** A test with a fake does not use it. */
  transport: Transport;
  readonly #closing = new AbortController();
  /** Aborts when the connection closes, and ends streams and waits. */
  readonly closing: AbortSignal = this.#closing.signal;
  /** Calls in flight, also those that pause before a retry. */
  readonly #calls = new Set<Promise<unknown>>();
  #disconnected = false;
  /** True if the log already reports failing calls, since the last one that succeeded. */
  #hasTold = false;

  /** @throws {OJSValidationError} for a URL or an option that cannot be used. */
  constructor(target: string | Transport | undefined, options: ConnectionOptions) {
    this.logger = options.logger === undefined ? consoleLogger() : guarded(options.logger);
    this.timeoutMs = durationMs(options.timeout ?? 30_000, 'timeout');
    warnOfSeconds(options.timeout, 'timeout', this.logger);
    this.retry = readRetryRules(options.requestRetry);
    if (target === undefined || typeof target === 'string') {
      this.http = httpOptions(target, options);
      this.transport = platform.httpTransport(this.http);
    } else if (isTransport(target)) {
      this.http = null;
      this.transport = target;
    } else {
      throw OJSValidationError.of(
        'target',
        'expected a URL or a transport, which has a function call(), such as openEmbedded() gives',
      );
    }
  }

  /**
   * Carries out an operation. @throws {OJSValidationError} for an unknown option; the errors of `call` and of the
   * operation.
   */
  async ask<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    this.checkCall(options);
    return this.carry(operation, options);
  }

  /** @throws {OJSValidationError} for an unknown option. */
  checkCall(options: CallOptions): void {
    checkNames(options, callNames);
    warnOfSeconds(options.requestTimeout, 'requestTimeout', this.logger);
  }

  /** Same as {@link ask}, for options that were checked. */
  async carry<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    let last: Call | undefined;
    try {
      return await carryOut(operation, ({ call, about, settings }) => {
        last = call;
        return this.call(call, options, about, settings);
      });
    } catch (error) {
      if (last === undefined || !(error instanceof OJSAnswerError)) throw error;
      throw placed(error, { call: last, http: this.http });
    }
  }

  /**
   * Makes one call. Without an answer, and after 429, 500, 502, 503 and 504, it tries again within the deadline.
   * @throws {OJSAPIError} if the server refuses the call, {OJSConnectionError}, {OJSTimeoutError}, or the reason of the
   * caller's signal.
   */
  async call(call: Call, options: CallOptions, context: ErrorContext = {}, settings: CallSettings = {}): Promise<Wire> {
    const ms = this.deadlineMs(options);
    const about = aboutOf(call, context);
    const met: OJSError[] = [];
    return await within(
      ms,
      () => expiry(ms, about, met),
      options.signal,
      (deadline) => this.callWithin(deadline, call, about, settings, met),
    );
  }

  /** How long a call may take, in milliseconds. */
  deadlineMs({ requestTimeout }: CallOptions): number {
    return requestTimeout === undefined ? this.timeoutMs : durationMs(requestTimeout, 'requestTimeout');
  }

  /** Same as `call`, within a deadline of the caller. @param met collects the error of every attempt. */
  async callWithin(
    deadline: Deadline,
    call: Call,
    context: ErrorContext = {},
    settings: CallSettings = {},
    met: OJSError[] = [],
  ): Promise<Wire> {
    if (this.closing.aborted) throw closedError(call.operation);
    const work = this.#settle(call, deadline, aboutOf(call, context), settings, met);
    this.#calls.add(work);
    try {
      return await work;
    } catch (error) {
      throw restacked(error);
    } finally {
      this.#calls.delete(work);
    }
  }

  /**
   * The body of a successful attempt, or of a call that proves that an earlier attempt took effect. @throws the last
   * error of the call.
   */
  async #settle(
    call: Call,
    deadline: Deadline,
    about: ErrorContext,
    settings: CallSettings,
    met: OJSError[],
  ): Promise<Wire> {
    const end = await this.#attempts(call, deadline, about, settings, met);
    if ('body' in end) return end.body;
    const ask = async (other: Call) => {
      const found = await this.#attempts(other, deadline, { ...about, operation: other.operation }, {}, []);
      if ('body' in found) return found.body;
      throw found.error;
    };
    const body = end.recovery?.body(await Promise.all(end.recovery.calls.map(ask))) ?? null;
    if (body === null) throw end.error;
    return body;
  }

  async #attempts(
    call: Call,
    deadline: Deadline,
    about: ErrorContext,
    settings: CallSettings,
    met: OJSError[],
  ): Promise<End> {
    const steps = attempts(about, settings, this.retry, () => deadline.remaining, met);
    let step = steps.next();
    while (!step.done) {
      const { context, pauseMs } = step.value;
      if (pauseMs > 0) await deadline.race(pause(pauseMs, deadline.signal));
      const outcome = await this.attempt(call, deadline, context, settings.isAnswer);
      step = steps.next(outcome);
      if ('body' in outcome) this.#hasTold = false;
      else if (!step.done && step.value.context.attempt === toldAttempt) this.#tell(outcome.error, deadline);
    }
    return step.value;
  }

  /** A person at a terminal should not have to wait for the deadline to know why. */
  #tell({ message, operation }: OJSError, { remaining }: Deadline): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.logger.warn(`${message} The client tries again.`, { operation, for_ms: Math.round(remaining) });
  }

  /** Makes one attempt. A refusal and a missing answer are outcomes too. @throws the end of the deadline. */
  async attempt(
    call: Call,
    deadline: Deadline,
    context: ErrorContext,
    isAnswer?: CallSettings['isAnswer'],
  ): Promise<Outcome> {
    const fake = currentFake();
    const { signal } = deadline;
    const { requestId } = context;
    let answer: Answer;
    const sentAt = Date.now();
    try {
      answer = await (fake === null
        ? deadline.race(this.transport.call(call, { signal, ...(requestId !== undefined && { requestId }) }))
        : answered(fake, call, deadline));
    } catch (cause) {
      signal.throwIfAborted();
      // A handler that throws in inline mode raises the caller's own error: it is not an error of the connection, and
      // is not retried.
      if (fake !== null) throw cause;
      return unanswered(cause, context, this.http);
    }
    this.clock.answered(answer.headers, sentAt);
    return outcomeOf(answer, { call, http: fake === null ? this.http : null }, context, isAnswer);
  }

  /** Waits for calls in flight and their retries. */
  async close(): Promise<void> {
    this.#end();
    await Promise.allSettled(this.#calls);
    await this.#disconnect();
  }

  /** Waits for attempts in flight. A transport that was given to the constructor stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#disconnect();
  }

  #end(): void {
    this.#closing.abort(closedError());
  }

  async #disconnect(): Promise<void> {
    if (this.#disconnected) return;
    this.#disconnected = true;
    if (this.http !== null) await this.transport[Symbol.asyncDispose]();
  }
}

function aboutOf({ operation }: Call, context: ErrorContext): ErrorContext {
  return { operation, ...context, requestId: context.requestId ?? `req_${uuidv7()}` };
}

async function answered(fake: Fake, call: Call, deadline: Deadline): Promise<Answer> {
  const answer = fake.answer(call);
  if (fake.settle !== undefined) await deadline.race(fake.settle(call, answer));
  return answer;
}

/** @throws {OJSValidationError} for a URL or an option that cannot be used. */
export function httpOptions(target: string | undefined, options: ConnectionOptions): HttpOptions {
  const { environment } = platform;
  const named = target === undefined ? environment?.url() : readBaseUrl(target, 'target');
  const base = named ?? readBaseUrl(defaultUrl, 'target');
  const token = options.token ?? environment?.token();
  const tls = platform.tlsFor(options.tls, base, options.fetch !== undefined);
  const rest = { headers: options.headers ?? {}, token, fetch: options.fetch, ...(tls && { tls }) };
  if (named !== undefined || environment === undefined) return { base, ...rest };
  const find = () => environment.devServer() ?? base;
  return {
    get base() {
      return foundOr(base, find);
    },
    find,
    ...rest,
  };
}

/** For messages. */
function foundOr(base: URL, find: () => URL): URL {
  try {
    return find();
  } catch {
    return base;
  }
}

/**
 * The URL of the server that `ojs dev` runs in the working folder, which clients without a URL use in development; null
 * if none has run.
 * @throws an Error that says so where one has run, and does not run now.
 */
export function devServerUrl(): string | null {
  return platform.environment?.devServer()?.origin ?? null;
}

/** How an {@link httpTransport} reaches the server. */
export type HttpTransportOptions = Pick<ConnectionOptions, 'headers' | 'token' | 'tls' | 'fetch'>;

const httpTransportNames: NamesOf<HttpTransportOptions> = { headers: true, token: true, tls: tlsNames, fetch: true };

/**
 * The way to a server over HTTP, as Client, Worker and Admin take it in place of a URL: for a transport that wraps it,
 * and for tools that need answers as text. Each call is one attempt.
 * @param url Default: `OJS_BACKEND_URL`, else http://localhost:8080.
 * @throws {OJSValidationError} for a URL or an option that cannot be used.
 */
export function httpTransport(url?: string, options: HttpTransportOptions = {}): Transport {
  checkNames(options, httpTransportNames);
  return platform.httpTransport(httpOptions(url, options));
}

/**
 * One attempt within `ms` milliseconds, for callers that retry by their own rules. @throws the errors of
 * `Connection.call`.
 */
export async function once(connection: Connection, call: Call, ms: number, signal?: AbortSignal): Promise<Wire> {
  const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}` };
  const outcome = await within(
    ms,
    () => expiry(ms, about),
    signal,
    (deadline) => connection.attempt(call, deadline, about),
  );
  if ('body' in outcome) return outcome.body;
  throw outcome.error;
}

/**
 * Sends new calls over a new HTTP transport; calls in flight end on the old one. False for a transport that was given:
 * its owner closes it.
 */
export function reconnect(connection: Connection): boolean {
  if (connection.http === null || connection.closing.aborted) return false;
  const old = connection.transport;
  connection.transport = platform.httpTransport(connection.http);
  old[Symbol.asyncDispose]().then(undefined, (error: unknown) => {
    connection.logger.debug('old connections did not close', { error: String(error) });
  });
  return true;
}
