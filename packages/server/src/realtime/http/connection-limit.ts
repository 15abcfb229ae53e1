import { ProtocolError } from '@ojs-ts/core';

/** Counts the open connections of each client and of all (ojs-realtime §5.2). */
export class ConnectionLimit {
  readonly #perClient: number;
  readonly #inAll: number;
  readonly #clients = new Map<string, number>();
  #count = 0;

  constructor(perClient: number, inAll: number) {
    this.#perClient = perClient;
    this.#inAll = inAll;
  }

  /** Returns the function that ends the connection. @throws ProtocolError `rate_limited` at a limit. */
  enter(client: string): () => void {
    const own = this.#clients.get(client) ?? 0;
    if (own >= this.#perClient)
      throw refusal(`A client may have ${this.#perClient} streams and WebSockets open at once.`, this.#perClient);
    if (this.#count >= this.#inAll)
      throw refusal('This server has reached its limit of streams and WebSockets.', this.#inAll);
    this.#clients.set(client, own + 1);
    this.#count++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#count--;
      const others = (this.#clients.get(client) ?? 1) - 1;
      if (others === 0) this.#clients.delete(client);
      else this.#clients.set(client, others);
    };
  }
}

/** The next free connection is unknown: another client has to disconnect. */
const retryAfterSeconds = 5;

function refusal(message: string, limit: number): ProtocolError {
  return new ProtocolError('rate_limited', message, { retry_after: retryAfterSeconds, limit, remaining: 0 });
}
