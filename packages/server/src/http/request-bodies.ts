import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ProtocolError } from '@ojs-ts/core';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import type { Binding } from '../binding/binding.ts';
import { bodyLimit } from './media.ts';

/** Smaller bodies are not counted: 10,000 connections have 40 MB of them at most. */
const least = 4_096;
/** A body that arrives for longer than this makes room for one that waits; in milliseconds. */
const slowMs = 1_000;
/** A body waits so long for its turn, unread, before its request is refused; in milliseconds. */
const patienceMs = 2_000;

type Budgets = Pick<Binding['engine'], 'requests' | 'settlementRequests'>;

/**
 * Bounds the bodies of requests that were not answered yet: of the server, of a token where there are several, and of a
 * connection, which may send its next request before it has the answer.
 */
export class RequestBodies {
  readonly #budgets: Budgets;
  readonly #hasSeveralTokens: () => boolean;
  readonly #tokens = new Map<string, number>();
  readonly #connections = new WeakMap<Socket, number>();
  /** Bodies that were let in and are not read to their end, with the time at which they were let in. */
  readonly #reading = new Map<IncomingMessage, number>();
  readonly #warn: (fields: object, event: string) => void;

  constructor(
    budgets: Budgets,
    hasSeveralTokens: () => boolean,
    warn: (fields: object, event: string) => void = () => {},
  ) {
    this.#warn = warn;
    this.#budgets = budgets;
    this.#hasSeveralTokens = hasSeveralTokens;
  }

  counts({ headers }: IncomingMessage): boolean {
    return lengthOf(headers) >= least;
  }

  /**
   * Lets a body in before it is read; it is counted until the answer is out.
   * @throws ProtocolError `rate_limited` for a token or connection that has too much in flight, `backend_unavailable`
   * if the server has.
   */
  async admit(name: OperationName, request: IncomingMessage, raw: ServerResponse, token: string | null): Promise<void> {
    const { headers, socket } = request;
    const bytes = lengthOf(headers);
    const leave = operations[name].settles
      ? await this.#budgets.settlementRequests.enter(bytes, Number.POSITIVE_INFINITY)
      : await this.#enter(bytes, socket, token);
    if (raw.destroyed) {
      leave();
      return;
    }
    this.#reading.set(request, performance.now());
    request.once('end', () => this.#reading.delete(request));
    raw.once('close', () => {
      this.#reading.delete(request);
      leave();
    });
  }

  /** A client that sends slowly, or nothing at all, must not keep others out. */
  #dropSlow(): void {
    for (const [{ socket, url }, since] of this.#reading) {
      const sentMs = Math.round(performance.now() - since);
      if (sentMs < slowMs) return;
      this.#warn({ path: url?.split('?', 1)[0], sent_ms: sentMs }, 'slow request dropped');
      socket.destroy();
    }
  }

  #perToken(): number {
    return this.#hasSeveralTokens() ? this.#budgets.requests.limit / 2 : Number.POSITIVE_INFINITY;
  }

  async #enter(bytes: number, socket: Socket, token: string | null): Promise<() => void> {
    const connection = this.#connections.get(socket) ?? 0;
    if (connection > 0 && connection + bytes > bodyLimit)
      throw tooMuch('This connection has too many large requests under way.');
    const own = token === null ? 0 : (this.#tokens.get(token) ?? 0);
    if (own > 0 && own + bytes > this.#perToken()) throw tooMuch('This token has too many large requests under way.');
    const add = (sign: 1 | -1) => {
      this.#connections.set(socket, (this.#connections.get(socket) ?? 0) + sign * bytes);
      if (token === null) return;
      const sum = (this.#tokens.get(token) ?? 0) + sign * bytes;
      if (sum > 0) this.#tokens.set(token, sum);
      else this.#tokens.delete(token);
    };
    add(1);
    const dropping = this.#budgets.requests.fits(bytes) ? undefined : setInterval(() => this.#dropSlow(), slowMs / 4);
    try {
      const leave = await this.#budgets.requests.enter(bytes, patienceMs);
      return () => {
        leave();
        add(-1);
      };
    } catch (error) {
      add(-1);
      throw error;
    } finally {
      clearInterval(dropping);
    }
  }
}

/** A body of unknown length counts as the largest that may come. */
function lengthOf(headers: IncomingHttpHeaders): number {
  const length = headers['content-length'];
  if (length !== undefined) return Math.min(bodyLimit, Number(length));
  return headers['transfer-encoding'] === undefined ? 0 : bodyLimit;
}

function tooMuch(message: string): ProtocolError {
  return new ProtocolError('rate_limited', `${message} Wait for their answers.`, { retry_after: 1 });
}
