import { StoreUnavailable } from '../../unavailable.ts';
import { type Address, nameOf } from './address.ts';
import { type Client, connect, disconnect, drop, isReady, mastersOf, renewAppendOnlyFile } from './client.ts';
import { FailoverWatch } from './failover-watch.ts';
import { integer, listOf, type Reply } from './packed.ts';
import { evicting, RedisRefusal, reasonOf } from './refusal.ts';
import { type ChannelListener, Subscription } from './subscription.ts';

export type { Reply } from './packed.ts';

export interface ScriptText {
  readonly text: string;
  readonly sha: string;
}

type Argument = string | number | Buffer;

/** How long a call waits for a connection, and then for an answer. */
const defaultTimeoutMs = 5000;
/**
 * The interval between probes of the server: two clocks drift apart by some milliseconds in a minute, and an operator
 * may set a policy of eviction at any time. A probe costs two short commands.
 */
const probeMs = 5_000;
const timeScript = "#!lua flags=no-writes\nreturn redis.call('TIME')";

/** The answer to a probe from the server that has the keys of a prefix. */
interface Probe {
  /** The server's time in milliseconds, and the time of this process when it asked. */
  readonly server: number;
  readonly asked: number;
  /** Why the server must not be used; null if it may. */
  readonly unfit: string | null;
}

/**
 * One connection to Redis that reconnects by itself. A call without an answer in time fails; no call is queued for
 * later.
 */
export class Connection {
  /** The server and the namespace, for messages. */
  readonly name: string;
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly #probes = new Map<string, Probe>();
  readonly #probing = new Map<string, Promise<Probe>>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #failovers: FailoverWatch | null;
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
      this.#probes.clear();
    });
    this.#failovers = address.kind === 'sentinel' ? new FailoverWatch(address, timeoutMs, () => this.#leave()) : null;
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

  /** @throws StoreUnavailable if the server does not answer, or is set to remove keys when its memory is full. */
  async ping(prefix: string): Promise<void> {
    const { unfit } = await this.#probe(prefix);
    if (unfit !== null) throw new StoreUnavailable(unfit);
  }

  /** The time of the server that has the keys of the prefix, in milliseconds. */
  async time(prefix: string): Promise<number> {
    const [seconds, micros] = listOf(decode(await this.#send('EVAL', [timeScript, 1, prefix])));
    return integer(seconds) * 1000 + Math.floor(integer(micros) / 1000);
  }

  /** Reads the INFO of each master, by its address. */
  async information(): Promise<readonly { readonly name: string; readonly text: string }[]> {
    await this.#withReason(async () => {
      if (!isReady(this.#client)) await this.#ready();
    });
    return Promise.all(
      mastersOf(this.#client).map(async (node) => ({
        name: `Redis at ${node.options.host ?? node.options.path}:${node.options.port}`,
        text: await this.#withReason(() => node.info()),
      })),
    );
  }

  /** The values that the masters have set; managed servers may refuse CONFIG, and are left out. */
  async configured(setting: string): Promise<readonly string[]> {
    await this.#withReason(async () => {
      if (!isReady(this.#client)) await this.#ready();
    });
    const replies = await Promise.all(
      mastersOf(this.#client).map((node) =>
        this.#withReason(() => node.callBuffer('CONFIG', ['GET', setting])).catch((error: unknown) => {
          if (error instanceof RedisRefusal) return null;
          throw error;
        }),
      ),
    );
    const values = replies.map(decode).map((reply) => (Array.isArray(reply) ? reply[1] : undefined));
    return [...new Set(values.filter((value) => typeof value === 'string'))];
  }

  /** Subscribes to a channel until disposed of. Resolves once the subscription is made. */
  async listen(channel: string, listener: ChannelListener): Promise<AsyncDisposable> {
    const subscription = new Subscription(this.#client, channel, listener, this.#timeoutMs);
    this.#subscriptions.add(subscription);
    try {
      await this.#withReason(async () => {
        if (!isReady(this.#client)) await this.#ready();
        await subscription.open();
      });
    } catch (error) {
      this.#subscriptions.delete(subscription);
      await subscription[Symbol.asyncDispose]();
      throw error;
    }
    return {
      [Symbol.asyncDispose]: () => {
        this.#subscriptions.delete(subscription);
        return subscription[Symbol.asyncDispose]();
      },
    };
  }

  /** Waits for the answers to what was sent, then closes; calls that wait for a connection fail. May be repeated. */
  close(): Promise<void> {
    this.#closing ??= this.#quit();
    return this.#closing;
  }

  /** Leaves the server for the one that is the master now. */
  #leave(): void {
    drop(this.#client);
    for (const subscription of this.#subscriptions) subscription.leave();
  }

  async #quit(): Promise<void> {
    this.#failovers?.close();
    for (const subscription of this.#subscriptions) await subscription[Symbol.asyncDispose]();
    for (const waiting of this.#waiting) waiting.fail();
    this.#waiting.clear();
    try {
      if (this.#client.status === 'ready') await this.#client.quit();
    } catch {
      // It is gone already.
    }
    disconnect(this.#client);
  }

  async #eval(script: ScriptText, prefix: string, args: readonly Argument[]): Promise<unknown> {
    const last = isReady(this.#client) ? this.#probes.get(prefix) : undefined;
    if (last && !last.unfit && performance.now() - last.asked > probeMs) this.#probe(prefix).catch(() => {});
    // Sent within the call where it can be, so that calls keep their order.
    const probe = last && !last.unfit ? last : await this.#probe(prefix);
    try {
      return await this.#evalBefore(this.#deadline(probe), script, prefix, args);
    } catch (error) {
      // Nothing ran. The caller still waits, so it was not late: the server's clock was set.
      if (!(error instanceof RedisRefusal && error.message.startsWith('LATE'))) throw error;
      this.#probes.delete(prefix);
      return this.#evalBefore(this.#deadline(await this.#probe(prefix)), script, prefix, args);
    }
  }

  /** When the caller gives up, by the server's clock. */
  #deadline({ server, asked, unfit }: Probe): number {
    if (unfit !== null) throw new StoreUnavailable(unfit);
    return Math.ceil(server + performance.now() - asked + this.#timeoutMs);
  }

  #probe(prefix: string): Promise<Probe> {
    const running = this.#probing.get(prefix);
    if (running) return running;
    const probe = this.#askServer(prefix).finally(() => this.#probing.delete(prefix));
    this.#probing.set(prefix, probe);
    return probe;
  }

  async #askServer(prefix: string): Promise<Probe> {
    await this.#withReason(async () => {
      if (!isReady(this.#client)) await this.#ready();
    });
    const asked = performance.now();
    const [server, policies] = await Promise.all([this.time(prefix), this.configured('maxmemory-policy')]);
    // Another process may have begun it, and a user may lack the right. Not before: the call would begin to connect to
    // nodes of a cluster, and a script for a node that connects is refused.
    for (const node of mastersOf(this.#client)) renewAppendOnlyFile(node).catch(() => {});
    const probe = { server, asked, unfit: evicting(this.name, policies) };
    this.#probes.set(prefix, probe);
    return probe;
  }

  /**
   * @param deadline The script does nothing after it (lua/hot/common.lua), so a call that the network has held back
   * takes no effect.
   */
  async #evalBefore(
    deadline: number,
    { text, sha }: ScriptText,
    prefix: string,
    args: readonly Argument[],
  ): Promise<unknown> {
    // The prefix is no key, the layout is one: while their slot moves to another node of a cluster, both nodes refuse a
    // call that names both (TRYAGAIN). With the prefix alone it would run on the new node before the keys are there.
    const rest = [2, prefix, `${prefix}layout`, ...args, deadline];
    // The first call on a connection sends the text: no later call can overtake one whose script the server does not
    // have.
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
    return this.#withReason(() => {
      const client = this.#client;
      // Sent within the call where it can be, so that calls keep their order.
      if (isReady(client)) return client.callBuffer(name, [...args]);
      return this.#ready().then(() => client.callBuffer(name, [...args]));
    });
  }

  async #withReason<T>(send: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new Error(`The storage on ${this.name} is closed.`);
    try {
      return await send();
    } catch (error) {
      // The request may be on its way for long: connect again.
      if (error instanceof Error && error.message === 'Command timed out') drop(this.#client);
      throw reasonOf(error, this.name);
    }
  }

  #ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
      const why = this.#lastError?.message;
      // The client's own error shows the user and the password.
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

function decode(reply: unknown): Reply {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (Array.isArray(reply)) return reply.map(decode);
  if (typeof reply === 'string' || typeof reply === 'number') return reply;
  return null;
}
