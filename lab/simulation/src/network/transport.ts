import type { Answer, Call, CallContext, StreamAnswer, StreamCall, Transport } from '@ojs-ts/core';
import type { Recorder } from '../history/recorder.ts';
import type { Node } from '../world/world.ts';
import type { Network } from './network.ts';

/** A server as the network sees it: the node that it runs in, and its binding while it is up. */
export interface Endpoint {
  readonly node: Node;
  readonly binding: Required<Pick<Transport, 'call' | 'stream'>> | null;
}

/**
 * What may happen to a call on purpose: a probe loses the answer that it chooses (true), or holds it up for so many
 * milliseconds.
 */
export type Intercept = (call: Call, answer: Answer) => boolean | number;

/**
 * The way of a client or worker to the servers. Each call goes to the server of the last one or, one in ten, to any: a
 * load balancer that knows nothing of their health.
 */
export class VirtualTransport implements Transport {
  readonly #network: Network;
  readonly #from: Node;
  readonly #servers: readonly Endpoint[];
  readonly #recorder: Recorder;
  #chosen: number;
  /** Loses an answer that arrives, or holds it up, where it says so. */
  intercept: Intercept | null = null;

  constructor(network: Network, from: Node, servers: readonly Endpoint[], recorder: Recorder) {
    this.#network = network;
    this.#from = from;
    this.#servers = servers;
    this.#recorder = recorder;
    this.#chosen = this.#any();
  }

  call(call: Call, { signal, requestId }: CallContext = {}): Promise<Answer> {
    const recorded = this.#recorder.calling(this.#from, call);
    const attempt = new Attempt(this.#network, this.#from, this.#server(), call, requestId);
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (answer: Answer | null, error: unknown) => {
        if (isOver) return;
        isOver = true;
        alive();
        signal?.removeEventListener('abort', leave);
        recorded(answer, attempt.isTwice);
        if (answer === null) reject(error);
        else resolve(answer);
      };
      const leave = () => {
        attempt.close();
        end(null, signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      // The system closes the sockets of a process that has crashed.
      const alive = this.#from.onDeath(() => attempt.close());
      attempt.make(
        (answer) => {
          const meddled = this.intercept?.(call, answer) ?? false;
          if (meddled === true) return lose('connection reset');
          if (meddled === false) return end(answer, null);
          this.#from.after(meddled, '< answer held up', () => end(answer, null));
        },
        (why) => lose(why),
      );
      const lose = (why: 'connection reset' | 'silence' | 'connection refused') => {
        this.#network.coverage.count(why);
        if (why === 'silence') return;
        this.#chosen = this.#any();
        end(null, new Error(why));
      };
    });
  }

  async stream(call: StreamCall, { signal }: CallContext = {}): Promise<StreamAnswer> {
    signal?.throwIfAborted();
    const { node, binding } = this.#server();
    await this.#pass(node);
    if (binding === null || node.isDead) throw new Error('connection refused');
    const controller = new AbortController();
    const answer = await this.#visit(node, () => binding.stream(call, { signal: controller.signal }));
    const { chunks } = answer;
    if (chunks === null) return answer;
    const leave = () => node.after(1, 'stream closed', () => controller.abort(new Error('The reader has gone.')));
    signal?.addEventListener('abort', leave, { once: true });
    return { ...answer, chunks: this.#read(chunks[Symbol.asyncIterator](), node, signal, leave) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The server sends no more than the reader takes, as behind a full socket. */
  async *#read(
    chunks: AsyncIterator<string>,
    node: Node,
    signal: AbortSignal | undefined,
    leave: () => void,
  ): AsyncGenerator<string> {
    const { conditions, coverage } = this.#network;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const next = await aborting(
          this.#visit(node, () => chunks.next()),
          signal,
        );
        if (next.done === true) return;
        yield next.value;
        const ms = conditions.readMs;
        if (ms > 0) {
          coverage.count('slow reader');
          await new Promise((resolve) => setTimeout(resolve, ms));
        }
      }
    } finally {
      leave();
    }
  }

  /** Runs `work` in the server's node; the answer travels back, or the way breaks. */
  #visit<T>(node: Node, work: () => Promise<T>): Promise<T> {
    const [network, from] = [this.#network, this.#from];
    return new Promise((resolve, reject) => {
      const broken = () => {
        network.coverage.count('stream broken');
        from.after(network.latency(from.random), '! stream broken', () => reject(new Error('connection reset')));
      };
      const alive = node.onDeath(broken);
      node.after(network.latency(from.random), `> ${from.name} stream`, () => {
        work().then(
          (value) => {
            alive();
            if (!network.isLinked(from, node) || from.random() < network.conditions.drop) return broken();
            from.after(network.latency(from.random), '< stream', () => resolve(value));
          },
          (error: unknown) => {
            alive();
            from.after(network.latency(from.random), '< stream', () => reject(error));
          },
        );
      });
    });
  }

  #pass(to: Node): Promise<void> {
    const [network, from] = [this.#network, this.#from];
    return new Promise((resolve, reject) => {
      from.after(network.latency(from.random), 'connect', () =>
        network.isLinked(from, to) ? resolve() : reject(new Error('connection reset')),
      );
    });
  }

  #server(): Endpoint {
    if (this.#from.random() < 0.1) this.#chosen = this.#any();
    const server = this.#servers[this.#chosen];
    if (server === undefined) throw new Error('There is no server.');
    return server;
  }

  #any(): number {
    return Math.floor(this.#from.random() * this.#servers.length);
  }
}

function aborting<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

type Lost = (why: 'connection reset' | 'silence' | 'connection refused') => void;

/** One request on its way. */
class Attempt {
  readonly #network: Network;
  readonly #from: Node;
  readonly #server: Endpoint;
  readonly #call: Call;
  readonly #requestId: string | undefined;
  readonly #closers: (() => void)[] = [];
  isTwice = false;

  constructor(network: Network, from: Node, server: Endpoint, call: Call, requestId: string | undefined) {
    this.#network = network;
    this.#from = from;
    this.#server = server;
    this.#call = call;
    this.#requestId = requestId;
  }

  make(answered: (answer: Answer) => void, lost: Lost): void {
    const { coverage, conditions } = this.#network;
    if (this.#server.binding === null || this.#server.node.isDead) {
      this.#fail(this.#network.latency(this.#from.random), 'connection refused', lost);
      return;
    }
    if (this.#from.random() < conditions.duplicate) {
      coverage.count('request twice');
      this.isTwice = true;
      this.#deliver(
        () => {},
        () => {},
      );
    }
    this.#deliver(answered, lost);
  }

  /** The caller has gone. The server learns of a closed socket later; in a network with faults not always. */
  close(): void {
    for (const close of this.#closers) close();
  }

  #deliver(answered: (answer: Answer) => void, lost: Lost): void {
    const [network, from] = [this.#network, this.#from];
    const { random } = from;
    const { coverage, conditions } = network;
    const { node: to, binding } = this.#server;
    const name = this.#call.operation;
    const way = () => network.latency(random);
    const isThrough = () => network.isLinked(from, to) && random() >= conditions.drop;
    if (!isThrough()) {
      coverage.count('request dropped');
      this.#lose(lost);
      return;
    }
    const stuck = random() < conditions.late ? 20_000 * random() : 0;
    if (stuck > 0) {
      coverage.count('answer late');
      this.#fail(stuck * random(), 'connection reset', lost);
    }
    to.after(way() + stuck, `> ${from.name} ${name}`, () => {
      const controller = new AbortController();
      this.#closers.push(() => {
        if (conditions.drop === 0 || random() < 0.9)
          to.after(way(), `closed ${name}`, () => controller.abort(new Error('The socket is closed.')));
      });
      const alive = to.onDeath(() =>
        this.#fail(way() + (random() < 0.8 ? 0 : 60_000 * random()), 'connection reset', lost),
      );
      const context = {
        signal: controller.signal,
        ...(this.#requestId !== undefined && { requestId: this.#requestId }),
      };
      binding?.call(this.#call, context).then(
        (answer) => {
          alive();
          this.#note(answer);
          if (isThrough()) {
            const slow = conditions.late > 0 && random() < conditions.late ? 15_000 * random() : 0;
            if (slow > 0) coverage.count('answer slow');
            from.after(way() + slow, `< ${name} ${answer.status}`, () => answered(answer));
            return;
          }
          coverage.count('answer lost');
          this.#lose(lost);
        },
        () => {
          alive();
          this.#lose(lost);
        },
      );
    });
  }

  /** Half of the lost messages are noticed at once, the others within 30 s, some never: then a timeout has to. */
  #lose(lost: Lost): void {
    const { random } = this.#from;
    const ms = this.#network.latency(random) + (random() < 0.5 ? 0 : 30_000 * random());
    this.#fail(ms, random() < 0.7 ? 'connection reset' : 'silence', lost);
  }

  #fail(ms: number, why: Parameters<Lost>[0], lost: Lost): void {
    this.#from.after(ms, `! ${this.#call.operation} ${why}`, () => lost(why));
  }

  #note({ status, text }: Answer): void {
    const { coverage } = this.#network;
    if (status === 409) coverage.count('answer 409');
    if (status === 503) coverage.count('answer 503');
    if (this.#call.operation === 'worker.exchange') coverage.count('item 409', text.split('"status":409').length - 1);
  }
}
