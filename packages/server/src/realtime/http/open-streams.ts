import type { Binding } from '../../binding/binding.ts';
import type { Authorization, Holder } from '../../http/auth.ts';

type Gauge = Binding['engine']['telemetry']['openStreams'];

/** As often as the tokens of the store are read, in milliseconds. */
const checkMs = 2_000;

/**
 * An open stream, WebSocket or long poll. `shutDown` informs its client that the server stops; `destroy` ends the
 * connection if that takes too long.
 */
export interface OpenStream {
  readonly shutDown: () => Promise<void>;
  readonly destroy: () => void;
}

/** The open streams of a server. One whose token was revoked, or has ended, is cut within seconds. */
export class OpenStreams {
  readonly #authorization: Authorization;
  readonly #gauge: Gauge | null;
  readonly #open = new Map<OpenStream, Holder | null>();
  #check: NodeJS.Timeout | undefined;

  constructor(authorization: Authorization, gauge: Gauge | null = null) {
    this.#authorization = authorization;
    this.#gauge = gauge;
  }

  get size(): number {
    return this.#open.size;
  }

  add(stream: OpenStream, holder: Holder | null): void {
    this.#open.set(stream, holder);
    this.#gauge?.set(this.#open.size);
    this.#check ??= setInterval(() => this.#cut(), checkMs);
  }

  delete(stream: OpenStream): void {
    this.#open.delete(stream);
    this.#gauge?.set(this.#open.size);
    if (this.#open.size > 0) return;
    clearInterval(this.#check);
    this.#check = undefined;
  }

  shutDown(): void {
    for (const stream of this.#open.keys()) stream.shutDown().catch(() => stream.destroy());
  }

  destroy(): void {
    for (const stream of this.#open.keys()) stream.destroy();
  }

  #cut(): void {
    for (const [stream, holder] of this.#open) if (!this.#authorization.admits(holder)) stream.destroy();
  }
}
