import { type Answer, type Call, type Transport, uuidv7 } from '@ojs-ts/core';
import {
  attempts,
  type CallSettings,
  type End,
  expiry,
  type Outcome,
  outcomeOf,
  placed,
  type RetryRules,
  readRetryRules,
  unanswered,
} from '../connection/attempts.ts';
import { type ConnectionOptions, connectionNames, httpOptions } from '../connection/connection.ts';
import { currentFake, type Fake } from '../connection/fake.ts';
import { consoleLogger, type Logger } from '../connection/logger.ts';
import type { Ask, Operation } from '../connection/operation.ts';
import { ServerClock } from '../connection/server-clock.ts';
import { closedError, type ErrorContext, OJSError, OJSValidationError } from '../errors.ts';
import { callNames } from '../job/options.ts';
import type { Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, warnOfSeconds } from '../options/values.ts';
import type { HttpOptions } from '../transport/http.ts';
import { CallThread, sleep } from './call-thread.ts';

export interface SyncConnectionOptions extends Omit<ConnectionOptions, 'fetch' | 'token'> {
  /** As in a Client, but a function must return the token synchronously. */
  token?: (string | (() => string)) | undefined;
}

/** `fetch` is refused with a message of its own. */
export const syncConnectionNames = connectionNames;

/**
 * Options of one blocking call: those of `Client` except `signal`, which nothing could abort while the thread waits.
 */
export interface SyncCallOptions {
  /** Deadline of the whole call, including retries. Default: the client's `timeout`. */
  requestTimeout?: Duration | undefined;
}

/** The blocking counterpart of `Connection`. */
export class SyncConnection implements Disposable {
  readonly logger: Logger;
  readonly clock = new ServerClock();
  readonly #http: HttpOptions;
  readonly #token: SyncConnectionOptions['token'];
  readonly #timeoutMs: number;
  readonly #retry: RetryRules;
  #thread: CallThread | null = null;
  #closed = false;

  /** @throws {OJSValidationError} for a URL or an option that cannot be used. */
  constructor(target: string | Transport | undefined, options: SyncConnectionOptions) {
    if (target !== undefined && typeof target !== 'string') {
      throw OJSValidationError.of(
        'target',
        'expected a URL; a transport belongs to the thread that made it, and this client makes its calls in another',
      );
    }
    if ('fetch' in options && options.fetch !== undefined) {
      throw OJSValidationError.of(
        'fetch',
        'not supported: this client makes its calls in another thread, which cannot get a function',
      );
    }
    this.logger = options.logger ?? consoleLogger();
    this.#timeoutMs = durationMs(options.timeout ?? 30_000, 'timeout');
    warnOfSeconds(options.timeout, 'timeout', this.logger);
    this.#retry = readRetryRules(options.requestRetry);
    this.#http = httpOptions(target, options);
    this.#token = typeof options.token === 'function' ? options.token : textToken(this.#http);
  }

  /**
   * Carries an operation out.
   * @throws as `Connection.ask`; {OJSValidationError} for a `signal`.
   */
  ask<T>(operation: Operation<T>, options: SyncCallOptions): T {
    checkNames(options, callNames);
    return this.carry(operation, options);
  }

  /** Same for options that were checked already. */
  carry<T>(operation: Operation<T>, options: SyncCallOptions): T {
    warnOfSeconds(options.requestTimeout, 'requestTimeout', this.logger);
    if ('signal' in options && options.signal !== undefined) {
      throw OJSValidationError.of('signal', 'a blocking call cannot be aborted; use requestTimeout');
    }
    const ms =
      options.requestTimeout === undefined ? this.#timeoutMs : durationMs(options.requestTimeout, 'requestTimeout');
    let step = operation.next();
    while (!step.done) {
      const ask: Ask = step.value;
      let body: Wire;
      try {
        body = this.#call(ask, ms);
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      try {
        step = operation.next(body);
      } catch (error) {
        throw placed(error, { call: ask.call, http: this.#http });
      }
    }
    return step.value;
  }

  #call({ call, about: more, settings = {} }: Ask, ms: number): Wire {
    const about: ErrorContext = { operation: call.operation, requestId: `req_${uuidv7()}`, ...more };
    if (this.#closed) throw closedError(call.operation);
    const until = performance.now() + ms;
    const end = this.#attempts(call, about, settings, ms, until);
    if ('body' in end) return end.body;
    if (end.recovery !== null) {
      const found = end.recovery.calls.map((other) => {
        const one = this.#attempts(other, { ...about, operation: other.operation }, {}, ms, until);
        if ('body' in one) return one.body;
        throw one.error;
      });
      const body = end.recovery.body(found);
      if (body !== null) return body;
    }
    throw end.error;
  }

  #attempts(call: Call, about: ErrorContext, settings: CallSettings, ms: number, until: number): End {
    const failures: OJSError[] = [];
    const remaining = () => until - performance.now();
    const steps = attempts(about, settings, this.#retry, remaining, failures);
    let step = steps.next();
    while (!step.done) {
      const { context, pauseMs } = step.value;
      if (pauseMs > 0) sleep(pauseMs);
      const outcome = this.#attempt(call, context, remaining(), settings.isAnswer);
      if (outcome === null) throw expiry(ms, about, failures);
      step = steps.next(outcome);
    }
    return step.value;
  }

  /** Null if no answer came in time. */
  #attempt(call: Call, context: ErrorContext, ms: number, isAnswer: CallSettings['isAnswer']): Outcome | null {
    const fake = currentFake();
    if (fake !== null) return outcomeOf(answerOf(fake, call), { call, http: null }, context, isAnswer);
    const { requestId } = context;
    const token = this.#currentToken();
    this.#thread ??= new CallThread({
      url: (this.#http.find?.() ?? this.#http.base).href,
      headers: { ...this.#http.headers },
      ...(this.#http.tls !== undefined && { tls: this.#http.tls }),
    });
    let answer: Answer | null;
    const sentAt = Date.now();
    try {
      answer = this.#thread.call(
        call,
        { ...(requestId !== undefined && { requestId }), ...(token !== undefined && { token }) },
        ms,
      );
    } catch (cause) {
      if (cause instanceof OJSError) throw new OJSError(cause.message, { ...context, cause });
      return unanswered(cause, context, this.#http);
    }
    if (answer !== null) this.clock.answered(answer.headers, sentAt);
    return answer === null ? null : outcomeOf(answer, { call, http: this.#http }, context, isAnswer);
  }

  #currentToken(): string | undefined {
    if (typeof this.#token !== 'function') return this.#token;
    const token: unknown = this.#token();
    if (typeof token === 'string') return token;
    throw OJSValidationError.of(
      'token',
      `expected the function to return a text, got ${token instanceof Promise ? 'a promise' : typeof token}`,
    );
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#thread?.end();
    this.#thread = null;
  }
}

function textToken({ token }: HttpOptions): string | undefined {
  return typeof token === 'string' ? token : undefined;
}

function answerOf(fake: Fake, call: Call): Answer {
  if (fake.runsHandlers === true) {
    throw new OJSError(
      'A sync client cannot wait for the handlers of inline mode. Use a Client, or fake mode and drain().',
      {
        operation: call.operation,
      },
    );
  }
  return fake.answer(call);
}
