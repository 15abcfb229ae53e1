import { type Answer, type Call, type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
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
  unanswered,
} from './attempts.ts';
import { type Deadline, within } from './deadline.ts';
import { type Duration, durationMs } from './duration.ts';
import { type ErrorContext, OJSAnswerError, OJSError, OJSValidationError, restacked } from './errors.ts';
import { currentFake, type Fake } from './fake.ts';
import type { Wire } from './json.ts';
import { known } from './known.ts';
import { consoleLogger, guarded, type Logger } from './logger.ts';
import { carryOut, type Operation } from './operation.ts';
import { type CallOptions, callNames } from './options.ts';
import { part, partsLoaded } from './part.ts';
import { warnOfSeconds } from './seconds.ts';
import { isTransport } from './target.ts';
import { defaultUrl, readBaseUrl } from './transport/base-url.ts';
import type { HttpOptions, Token } from './transport/http.ts';
import { type TlsOptions, tlsNames } from './transport/tls.ts';

/** How to reach a server; of Client, Worker and Admin alike. Code wins over the environment, and that over the default. */
export interface ConnectionOptions {
  /** Deadline of a call, retries included; default 30 s. */
  timeout?: Duration | undefined;
  /** Sent with every request. */
  headers?: Record<string, string> | undefined;
  /** Sent as `Authorization: Bearer`; a function is asked before every request. Default: `OJS_AUTH_TOKEN`. */
  token?: Token | undefined;
  /** For https. Node only: elsewhere the platform has settings of its own. Default: the files that `OJS_TLS_CA_FILE`, `OJS_TLS_CERT_FILE` and `OJS_TLS_KEY_FILE` name. */
  tls?: TlsOptions | undefined;
  /** Used instead of the platform's own HTTP client. */
  fetch?: typeof fetch | undefined;
  /** Default: 5 retries, from 100 ms to 5 s. */
  requestRetry?: RetryOptions | false | undefined;
  /** Default: the console, in a process standard error, from `OJS_LOG_LEVEL` up: `info`, and `warn` where `NODE_ENV` is `test`. */
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

/** What becomes of a call whose first attempt did not succeed. */
const failures = part(() => import('./failures.ts'));

/** A server as Client and Worker see it: a transport with retries, deadlines and errors. */
export class Connection implements AsyncDisposable {
  /** How HTTP is spoken, where the target is a URL. */
  readonly http: HttpOptions | null;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly retry: RetryRules;
  /** The way to the server. In a test with a fake nothing goes over it. */
  transport: Transport;
  readonly #closing = new AbortController();
  /** Aborted when this is closed: what follows or waits for others ends with it. */
  readonly closing: AbortSignal = this.#closing.signal;
  /** Under way, between two attempts too. */
  readonly #calls = new Set<Promise<unknown>>();
  #disconnected = false;

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

  /** Carries an operation out, with what its caller gave for options. @throws {OJSValidationError} for an unknown one; as `call`, and what the operation does. */
  async ask<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    this.checkCall(options);
    return this.carry(operation, options);
  }

  /** @throws {OJSValidationError} for an option that no call has. */
  checkCall(options: CallOptions): void {
    known(options, callNames);
    warnOfSeconds(options.requestTimeout, 'requestTimeout', this.logger);
  }

  /** Same as {@link ask}, where the options were checked. */
  async carry<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    let last: Call | undefined;
    try {
      return await carryOut(operation, ({ call, about, settings }) => {
        last = call;
        return this.call(call, options, about, settings);
      });
    } catch (error) {
      if (last === undefined || !(error instanceof OJSAnswerError)) throw error;
      throw (await failures()).placed(error, { call: last, http: this.http });
    }
  }

  /**
   * One call, tried again while that is safe and within the deadline: no answer, 429, 500, 502, 503, 504.
   * @throws {OJSAPIError} what the server refused, {OJSConnectionError}, {OJSTimeoutError}, or the reason of the caller's signal.
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

  /** Same as `call`, within a deadline that the caller has made. `met` grows by what every attempt met. */
  async callWithin(
    deadline: Deadline,
    call: Call,
    context: ErrorContext = {},
    settings: CallSettings = {},
    met: OJSError[] = [],
  ): Promise<Wire> {
    if (this.closing.aborted) throw new OJSError('This client is closed.', { operation: call.operation });
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

  async #settle(
    call: Call,
    deadline: Deadline,
    about: ErrorContext,
    settings: CallSettings,
    met: OJSError[],
  ): Promise<Wire> {
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
    try {
      answer = await (fake === null
        ? deadline.race(this.transport.call(call, { signal, ...(requestId !== undefined && { requestId }) }))
        : answered(fake, call, deadline));
    } catch (cause) {
      signal.throwIfAborted();
      // What a handler throws in inline mode is the caller's own: it is neither an error of the connection nor tried again.
      if (fake !== null) throw cause;
      return unanswered(cause, context, this.http);
    }
    const body = isRefused(answer, isAnswer) ? undefined : readBody(answer);
    if (body !== undefined) return { body };
    const { outcomeOf } = await deadline.race(failures());
    return outcomeOf(answer, { call, http: fake === null ? this.http : null }, context, isAnswer);
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
    this.#closing.abort(new OJSError('This client is closed.'));
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
  const base = (target === undefined ? environment?.url() : undefined) ?? readBaseUrl(target ?? defaultUrl, 'target');
  const token = options.token ?? environment?.token();
  const tls = platform.tlsFor(options.tls, base, options.fetch !== undefined);
  return { base, headers: options.headers ?? {}, token, fetch: options.fetch, ...(tls && { tls }) };
}
