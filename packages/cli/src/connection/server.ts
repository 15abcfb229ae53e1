import { type Answer, type Call, members, type Transport, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Event, EventsOptions } from '@ojs-ts/sdk';
import { plain } from '../output/plain.ts';
import { type Context, contextNamed, readContexts } from './context-file.ts';
import { Failure, refusalOf, refused } from './failure.ts';

export interface ServerFlags {
  readonly url?: string;
  readonly storage?: string;
  readonly context?: string;
}

/** A status of 400 or more that is an answer, where the body has such a member. */
export interface Accepted {
  readonly status: number;
  readonly member: string;
}

/** Milliseconds that a server has for an answer. A bulk operation of 10,000 jobs takes some seconds. */
const answerMs = 60_000;

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The server that a command asks, or an engine of its own on a storage. Answers keep their text. */
export class Server implements AsyncDisposable {
  readonly #transport: Transport;
  /** For messages: its URL without credentials; null for a storage. */
  readonly #place: string | null;
  readonly #ended = new AbortController();

  static async open(flags: ServerFlags): Promise<Server> {
    const given = (['url', 'storage', 'context'] as const).filter((name) => flags[name] !== undefined);
    if (given.length > 1)
      throw new Failure('usage', `Expected one of --url, --storage and --context, got --${given.join(' and --')}.`);
    if (flags.storage !== undefined) return embedded(flags.storage);
    const fromEnvironment = process.env.OJS_BACKEND_URL || undefined;
    const chosen = flags.url === undefined ? contextFor(flags.context, fromEnvironment) : null;
    if (chosen?.storage !== undefined) return embedded(chosen.storage);
    return overHttp(flags.url ?? chosen?.url ?? fromEnvironment, process.env.OJS_AUTH_TOKEN || chosen?.token);
  }

  constructor(transport: Transport, place: string | null) {
    this.#transport = transport;
    this.#place = place;
  }

  /** @throws Failure for a refusal that is not accepted, and where no answer comes. */
  async ask(call: Call, ...accepted: readonly Accepted[]): Promise<Answer> {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(answerMs)]);
    const answer = await this.#transport.call(call, { signal }).catch((error: unknown) => {
      throw this.#unanswered(error);
    });
    if (answer.status >= 400 && !accepted.some((one) => isAccepted(answer, one)))
      throw refusalOf(answer, this.#place ?? 'The storage');
    return answer;
  }

  /** Asks for a change. A proxy that repeats the request makes it once. */
  change(call: Call, ...accepted: readonly Accepted[]): Promise<Answer> {
    return this.ask({ ...call, idempotencyKey: uuidv7() }, ...accepted);
  }

  /** The members of an answer, each with its text. */
  async askFor(call: Call): Promise<ReadonlyMap<string, Json>> {
    return members((await this.ask(call)).text);
  }

  /** Events from now on, over streams that are opened again when they break; standard error says so. */
  async *events(options: Omit<EventsOptions, 'signal'>): AsyncGenerator<Event> {
    const { Client, OJSAPIError } = await import('@ojs-ts/sdk');
    const warn = (message: string) => console.error(plain(message));
    await using client = new Client(this.#transport, { logger: { ...silent, warn, error: warn } });
    try {
      yield* client.events({ ...options, signal: this.#ended.signal });
    } catch (error) {
      throw error instanceof OJSAPIError
        ? refused({ ...error.error, status: error.statusCode })
        : this.#unanswered(error);
    }
  }

  #unanswered(error: unknown): Failure {
    const cause = error instanceof Error ? `${error.message} ${error.cause ?? ''}`.trim() : String(error);
    if (this.#place === null) return new Failure('failed', cause);
    return new Failure(
      'unreachable',
      `${this.#place}: ${cause}. Start one with ojs serve, or name another with --url.`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#transport[Symbol.asyncDispose]();
  }
}

function isAccepted({ status, text }: Answer, accepted: Accepted): boolean {
  if (status !== accepted.status) return false;
  try {
    return members(text).has(accepted.member);
  } catch {
    return false;
  }
}

async function overHttp(target: string | undefined, token: string | undefined): Promise<Server> {
  // Loaded here, so that a server starts without it.
  const { devServerUrl, httpTransport, OJSValidationError } = await import('@ojs-ts/sdk');
  const url = target ?? found(devServerUrl) ?? 'http://localhost:8080';
  try {
    const place = new URL(url);
    return new Server(httpTransport(url, { token }), `${place.origin}${place.pathname.replace(/\/$/, '')}`);
  } catch (error) {
    if (error instanceof OJSValidationError || error instanceof TypeError)
      throw new Failure('usage', error.message.replace(/^target: /, '--url: '));
    throw error;
  }
}

/** @throws Failure if `ojs dev` has run in the working folder, and does not run now. */
function found(devServerUrl: () => string | null): string | null {
  try {
    return devServerUrl();
  } catch (error) {
    throw new Failure('unreachable', `${error instanceof Error ? error.message : error} Or name a server with --url.`);
  }
}

/** That of the flag; else the current one, where the environment names no server. */
function contextFor(name: string | undefined, fromEnvironment: string | undefined): Context | null {
  if (name === undefined && fromEnvironment !== undefined) return null;
  const contexts = readContexts();
  const chosen = name ?? contexts.current;
  return chosen === null ? null : contextNamed(chosen, contexts);
}

/** Its upkeep is left to the servers and workers of the storage. */
async function embedded(url: string): Promise<Server> {
  if (url.startsWith('memory:'))
    throw new Failure('usage', 'A storage in memory is gone when the command ends: name another one.');
  // Loaded here: it takes longer than asking a server.
  const { Embedded, Engine, openStorage, storageUrl } = await import('@ojs-ts/server');
  const storage = await openStorage(storageUrl(url), { existing: true });
  try {
    const { from, to } = await storage.layout();
    if (from !== to) throw new Failure('failed', wrongLayout(from, to));
    return new Server(new Embedded(await Engine.start({ storage, upkeep: 'manual' })), null);
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}

function wrongLayout(from: number, to: number): string {
  const what = `The storage has layout ${from}, this version needs ${to}`;
  return from < to ? `${what}: run ojs migrate.` : `${what}: use the newer version.`;
}
