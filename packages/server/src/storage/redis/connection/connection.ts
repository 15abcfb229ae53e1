import { StoreUnavailable } from '../../unavailable.ts';
import { type Address, nameOf } from './address.ts';
import { type Client, connect, drop, isReady, mastersOf } from './client.ts';
import { integer, listOf, type Reply } from './reply.ts';
import { type Heard, Listening } from './subscription.ts';

export type { Reply } from './reply.ts';

export interface ScriptText {
  readonly text: string;
  readonly sha: string;
}

/** What the server refused, in its words. The client's own error would carry the script and the jobs along, into every log. */
export class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal';
}

type Argument = string | number | Buffer;

/** How long a call waits for a connection, and then for an answer. */
const defaultTimeoutMs = 5000;
/** How often the server is looked at again. Two clocks drift apart by some milliseconds in the time. */
const surveyMs = 60_000;
const timeScript = "#!lua flags=no-writes\nreturn redis.call('TIME')";

/** What was found of the server that has the keys of a prefix. */
interface Survey {
  /** The server's time, in milliseconds, and when it was asked for by the clock of this process. */
  readonly server: number;
  readonly asked: number;
  /** Why the server must not be used; null where it may. */
  readonly unfit: string | null;
}

/**
 * Refusals that pass by themselves: the server loads its data, is a replica since a failover, has no memory or disk left, runs something long, or has lost
 * its replicas or a part of the cluster.
 */
const passing = /^(OOM|LOADING|READONLY|MISCONF|BUSY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|UNKILLABLE)\b/;

/** One connection to Redis that comes back by itself. A call that gets no answer in time fails; nothing is queued for later. */
export class Connection {
  /** The server and the namespace, for messages. */
  readonly name: string;
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly #surveys = new Map<string, Survey>();
  readonly #surveying = new Map<string, Promise<Survey>>();
  readonly #listenings = new Set<Listening>();
  /** Scripts that this connection has sent. */
  readonly #sent = new Set<string>();
  /** Calls that wait for the connection, in their order. */
  readonly #waiting = new Set<{ readonly done: () => void; readonly fail: () => void }>();
  #closing: Promise<void> | null = null;
  #lastError: Error | null = null;

  constructor(address: Address, timeoutMs = defaultTimeoutMs) {
    this.name = nameOf(address);
    this.#timeoutMs = timeoutMs;
    this.#client = connect(address, timeoutMs);
    this.#client.on('error', (error: Error) => {
      this.#lastError = error;
    });
    this.#client.on('ready', () => {
      for (const waiting of this.#waiting) waiting.done();
      this.#waiting.clear();
    });
    this.#client.on('close', () => {
      this.#sent.clear();
      this.#surveys.clear();
    });
  }

  /** Runs a script whose strings are texts. */
  async script(script: ScriptText, prefix: string, args: readonly Argument[]): Promise<Reply> {
    return decode(await this.#eval(script, prefix, args));
  }

  /** Runs a script that takes one packed value and answers one. */
  async packedScript(script: ScriptText, prefix: string, request: Buffer): Promise<Buffer> {
    const reply = await this.#eval(script, prefix, [request]);
    if (!Buffer.isBuffer(reply)) throw new TypeError(`${this.name}: a script answered no packed value.`);
    return reply;
  }

  async command(name: string, ...args: readonly Argument[]): Promise<Reply> {
    return decode(await this.#send(name, args));
  }

  /** The time of the server that has the keys of the prefix, in milliseconds. */
  async time(prefix: string): Promise<number> {
    const [seconds, micros] = listOf(decode(await this.#send('EVAL', [timeScript, 1, prefix])));
    return integer(seconds) * 1000 + Math.floor(integer(micros) / 1000);
  }

  /** What the servers that may write have set; those that do not tell it, as managed ones may, are left out. */
  async configured(setting: string): Promise<readonly string[]> {
    await this.#explained(async () => {
      if (!isReady(this.#client)) await this.#ready();
    });
    const replies = await Promise.all(
      mastersOf(this.#client).map((node) =>
        this.#explained(() => node.callBuffer('CONFIG', ['GET', setting])).catch((error: unknown) => {
          if (error instanceof RedisRefusal) return null;
          throw error;
        }),
      ),
    );
    const values = replies.map(decode).map((reply) => (Array.isArray(reply) ? reply[1] : undefined));
    return [...new Set(values.filter((value) => typeof value === 'string'))];
  }

  /** Hears a channel until it is disposed of. Resolves once the channel is heard. */
  async listen(channel: string, heard: Heard): Promise<AsyncDisposable> {
    const listening = new Listening(this.#client, channel, heard, this.#timeoutMs);
    this.#listenings.add(listening);
    try {
      await this.#explained(async () => {
        if (!isReady(this.#client)) await this.#ready();
        await listening.open();
      });
    } catch (error) {
      this.#listenings.delete(listening);
      await listening[Symbol.asyncDispose]();
      throw error;
    }
    return {
      [Symbol.asyncDispose]: () => {
        this.#listenings.delete(listening);
        return listening[Symbol.asyncDispose]();
      },
    };
  }

  /** Answers what was asked, then closes; what waits for a connection fails. May be repeated. */
  close(): Promise<void> {
    this.#closing ??= this.#quit();
    return this.#closing;
  }

  async #quit(): Promise<void> {
    for (const listening of this.#listenings) await listening[Symbol.asyncDispose]();
    for (const waiting of this.#waiting) waiting.fail();
    this.#waiting.clear();
    try {
      if (this.#client.status === 'ready') await this.#client.quit();
    } catch {
      // It is gone already.
    }
    this.#client.disconnect();
  }

  async #eval(script: ScriptText, prefix: string, args: readonly Argument[]): Promise<unknown> {
    const known = isReady(this.#client) ? this.#surveys.get(prefix) : undefined;
    if (known && !known.unfit && performance.now() - known.asked > surveyMs) this.#survey(prefix).catch(() => {});
    // Sent within the call where it can be, so that calls keep their order.
    const survey = known && !known.unfit ? known : await this.#survey(prefix);
    try {
      return await this.#evalBefore(this.#deadline(survey), script, prefix, args);
    } catch (error) {
      // Nothing ran. Who still waits for the answer was not late: the server's clock was set.
      if (!(error instanceof RedisRefusal && error.message.startsWith('LATE'))) throw error;
      this.#surveys.delete(prefix);
      return this.#evalBefore(this.#deadline(await this.#survey(prefix)), script, prefix, args);
    }
  }

  /** When this call is given up, by the server's clock. */
  #deadline({ server, asked, unfit }: Survey): number {
    if (unfit !== null) throw new StoreUnavailable(unfit);
    return Math.ceil(server + performance.now() - asked + this.#timeoutMs);
  }

  #survey(prefix: string): Promise<Survey> {
    const known = this.#surveying.get(prefix);
    if (known) return known;
    const survey = this.#look(prefix).finally(() => this.#surveying.delete(prefix));
    this.#surveying.set(prefix, survey);
    return survey;
  }

  async #look(prefix: string): Promise<Survey> {
    await this.#explained(async () => {
      if (!isReady(this.#client)) await this.#ready();
    });
    const asked = performance.now();
    const [server, policies] = await Promise.all([this.time(prefix), this.configured('maxmemory-policy')]);
    const survey = { server, asked, unfit: evicting(this.name, policies) };
    this.#surveys.set(prefix, survey);
    return survey;
  }

  /** @param deadline The script does nothing after it (lua/lib/common.lua): what arrives late takes no effect, whoever held it back. */
  async #evalBefore(
    deadline: number,
    { text, sha }: ScriptText,
    prefix: string,
    args: readonly Argument[],
  ): Promise<unknown> {
    // The prefix is no key, the layout is one: while their slot moves to another node of a cluster, a call that names both is refused there and here
    // (TRYAGAIN). With the prefix alone it would run on the new node before the keys are there.
    const rest = [2, prefix, `${prefix}layout`, ...args, deadline];
    // The first call on a connection sends the text, so that no later call overtakes one whose script the server does not have.
    if (!this.#sent.has(sha)) {
      this.#sent.add(sha);
      return this.#send('EVAL', [text, ...rest]);
    }
    try {
      return await this.#send('EVALSHA', [sha, ...rest]);
    } catch (error) {
      // A restart, a failover or SCRIPT FLUSH empties the cache of scripts. NOSCRIPT means that nothing ran.
      if (!(error instanceof RedisRefusal && error.message.startsWith('NOSCRIPT'))) throw error;
      return this.#send('EVAL', [text, ...rest]);
    }
  }

  #send(name: string, args: readonly Argument[]): Promise<unknown> {
    return this.#explained(() => {
      const client = this.#client;
      // Sent within the call where it can be, so that calls keep their order.
      if (isReady(client)) return client.callBuffer(name, [...args]);
      return this.#ready().then(() => client.callBuffer(name, [...args]));
    });
  }

  async #explained<T>(send: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new Error(`The storage on ${this.name} is closed.`);
    try {
      return await send();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
    const { message, name } = error;
    if (message.startsWith('OOM')) {
      return new StoreUnavailable(
        `${this.name} has no memory left (maxmemory): it takes no new jobs until some are finished and removed.`,
      );
    }
    if (passing.test(message)) return new StoreUnavailable(`${this.name}: ${message}`);
    if (name === 'ReplyError') return new RedisRefusal(message);
    // What was sent may be on its way for long: the server is found anew.
    if (message === 'Command timed out') drop(this.#client);
    if (name === 'TypeError' || name === 'RangeError') return error;
    return new StoreUnavailable(`${this.name} does not answer: ${message}`);
  }

  #ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
      const why = this.#lastError?.message;
      // The client's own error has the user and the password.
      reject(new StoreUnavailable(`${this.name} cannot be reached${why === undefined ? '' : `: ${why}`}`));
    };
    const timer = setTimeout(fail, this.#timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const waiting = { done, fail };
    this.#waiting.add(waiting);
    return promise;
  }
}

/** Why servers with these settings of maxmemory-policy must not be used; null where they may. */
export function evicting(server: string, policies: readonly string[]): string | null {
  const policy = policies.find((policy) => policy !== 'noeviction');
  return policy === undefined
    ? null
    : `${server} has maxmemory-policy ${policy}, under which it may remove jobs; set it to noeviction.`;
}

function decode(reply: unknown): Reply {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (Array.isArray(reply)) return reply.map(decode);
  if (typeof reply === 'string' || typeof reply === 'number') return reply;
  return null;
}
