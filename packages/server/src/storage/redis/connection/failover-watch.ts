import { Redis } from 'ioredis';
import type { Address } from './address.ts';

const channel = '+switch-master';
/** The time until a sentinel that is down is asked again; the others report a failover until then. */
const againMs = 1_000;

/**
 * Hears from the sentinels that another node is the master. After a planned failover, or one of a master that was only
 * slow, the former master takes writes for ten more seconds, and all of them are lost.
 *
 * ioredis has `failoverDetector` for this. It prints a line of its own for each sentinel that is down, waits a minute
 * for it, and takes the failover of every master that the sentinels watch for its own.
 */
export class FailoverWatch {
  readonly #address: Address;
  readonly #timeoutMs: number;
  readonly #onFailover: () => void;
  readonly #sentinels = new Map<string, Redis>();

  constructor(address: Address, timeoutMs: number, onFailover: () => void) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#onFailover = onFailover;
    for (const { host, port } of address.hosts) this.#watch(host, port);
  }

  close(): void {
    for (const sentinel of this.#sentinels.values()) sentinel.disconnect();
  }

  #watch(host: string, port: number): void {
    const name = `${host}:${port}`;
    if (this.#sentinels.has(name)) return;
    const { sentinelUsername, sentinelPassword, sentinelTls } = this.#address;
    const sentinel = new Redis({
      host,
      port,
      ...(sentinelUsername !== undefined && { username: sentinelUsername }),
      ...(sentinelPassword !== undefined && { password: sentinelPassword }),
      ...(sentinelTls && { tls: {} }),
      connectTimeout: this.#timeoutMs,
      commandTimeout: this.#timeoutMs,
      retryStrategy: () => againMs,
      enableReadyCheck: false,
      autoResubscribe: false,
    });
    this.#sentinels.set(name, sentinel);
    sentinel.on('error', () => {});
    // NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT
    sentinel.on('message', (_channel: string, message: string) => {
      if (message.split(' ')[0] === this.#address.master) this.#onFailover();
    });
    sentinel.on('ready', () => {
      this.#follow(sentinel).catch(() => sentinel.disconnect(true));
    });
  }

  /** The URL may name one of several sentinels, and that one may die with the master. */
  async #follow(sentinel: Redis): Promise<void> {
    const others = await sentinel.call('SENTINEL', 'SENTINELS', this.#address.master);
    await sentinel.subscribe(channel);
    for (const other of Array.isArray(others) ? others : []) {
      const { ip, port } = fieldsOf(other);
      if (ip && port) this.#watch(ip, Number(port));
    }
  }
}

/** Names and values that take turns in a list. */
function fieldsOf(reply: unknown): Readonly<Record<string, string>> {
  const cells = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(cells.flatMap((name, at) => (at % 2 === 0 ? [[name, cells[at + 1] ?? '']] : [])));
}
