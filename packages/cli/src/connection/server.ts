import { type Answer, type Call, type Json, members, type Transport } from '@ojs-ts/core';
import type { Event, EventsOptions } from '@ojs-ts/sdk';
import { Embedded, Engine, openStorage, storageUrl } from '@ojs-ts/server';
import type { Command } from 'commander';
import { contextNamed, readContexts } from './contexts.ts';
import { Failure, refusalOf } from './failure.ts';

export interface ServerFlags {
  readonly url?: string;
  readonly storage?: string;
  readonly context?: string;
}

/** Milliseconds that a server has for an answer. A bulk operation of 10,000 jobs takes some seconds. */
const answerMs = 60_000;

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Adds the options that say which server a command asks. */
export function takesServer(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'URL of the server (OJS_BACKEND_URL; default: the current context, else http://localhost:8080)',
    )
    .option('--storage <url>', 'open this storage instead, without a server: sqlite:PATH, postgres://…, redis://…')
    .option('--context <name>', 'ask the server of this context (ojs context)');
}

/** The server that a command asks, or an engine of its own on a storage. Answers keep their text. */
export class Server implements AsyncDisposable {
  readonly #transport: Transport;
  /** For messages. */
  readonly #place: string;
  readonly #ended = new AbortController();

  static async open(flags: ServerFlags): Promise<Server> {
    const given = (['url', 'storage', 'context'] as const).filter((name) => flags[name] !== undefined);
    if (given.length > 1)
      throw new Failure('usage', `Expected one of --url, --storage and --context, got --${given.join(' and --')}.`);
    return flags.storage === undefined ? overHttp(flags) : embedded(flags.storage);
  }

  constructor(transport: Transport, place: string) {
    this.#transport = transport;
    this.#place = place;
  }

  /** @param accepted statuses of 400 and more that are answers. @throws Failure for a refusal, or where no answer comes. */
  async ask(call: Call, accepted: readonly number[] = []): Promise<Answer> {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(answerMs)]);
    const answer = await this.#transport.call(call, { signal }).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    if (answer.status >= 400 && !accepted.includes(answer.status)) throw refusalOf(answer, this.#place);
    return answer;
  }

  /** The members of an answer, each with its text. */
  async askFor(call: Call): Promise<ReadonlyMap<string, Json>> {
    return members((await this.ask(call)).text);
  }

  /** Events from now on, over streams that are opened again when they break. Ends with the server. */
  async *events(options: Omit<EventsOptions, 'signal'>): AsyncGenerator<Event> {
    const { Client } = await import('@ojs-ts/sdk');
    await using client = new Client(this.#transport, { logger: silent });
    yield* client.events({ ...options, signal: this.#ended.signal });
  }

  #unreachable(error: unknown): Failure {
    const cause = error instanceof Error ? `${error.message} ${error.cause ?? ''}`.trim() : String(error);
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

async function overHttp({ url, context }: ServerFlags): Promise<Server> {
  // Loaded here, so that a server starts without it.
  const { httpTransport } = await import('@ojs-ts/sdk');
  const contexts = readContexts();
  const fromEnvironment = process.env.OJS_BACKEND_URL || undefined;
  const name = context ?? (url === undefined && fromEnvironment === undefined ? contexts.current : null);
  const chosen = name === null ? null : contextNamed(name, contexts);
  const token = process.env.OJS_AUTH_TOKEN || chosen?.token;
  const target = url ?? chosen?.url ?? fromEnvironment;
  return new Server(httpTransport(target, { token }), target ?? 'http://localhost:8080');
}

/** Its upkeep is left to the servers and workers of the storage. */
async function embedded(url: string): Promise<Server> {
  const storage = await openStorage(storageUrl(url), { existing: true });
  try {
    const { from, to } = await storage.layout();
    if (from !== to)
      throw new Failure('failed', `The storage has layout ${from}, this version needs ${to}: run ojs migrate.`);
    return new Server(new Embedded(await Engine.start({ storage, upkeep: 'manual' })), 'the storage');
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}
