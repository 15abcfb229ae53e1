import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type Random, randomOf } from './random.ts';
import { real, settled } from './real.ts';

/** Something that happens in a node at a virtual time. */
export interface Happening {
  at: number;
  tie: number;
  readonly order: number;
  readonly node: Node;
  readonly label: string;
  readonly run: () => void;
  off: boolean;
}

/** Drivers of real servers run outside of the world, with true clocks, while virtual time stands still. */
const outside = Symbol('outside');
const context = new AsyncLocalStorage<Node | typeof outside>();

/** The world that is running. A process runs one at a time. */
let current: World | null = null;

/** The node whose code runs now; the harness's own where none does, undefined outside of the world. */
export function here(): Node | undefined {
  const node = context.getStore();
  return node === outside ? undefined : (node ?? current?.harness);
}

/** The node whose code runs now, and only where its code does. */
export function inside(): Node | undefined {
  const node = context.getStore();
  return node instanceof Node ? node : undefined;
}

/** Runs `work` outside of the world. */
export function goOutside<T>(work: () => T): T {
  return context.run(outside, work);
}

/** A process of the world: its own clock, its own chance, and an end. Its memory is what its closures hold. */
export class Node {
  readonly world: World;
  readonly name: string;
  readonly random: Random;
  /** Nothing runs in the node before this time: its event loop is blocked. */
  blockedUntil = 0;
  /** Milliseconds that its wall clock is ahead, and the part of a second that it gains in a second. */
  skew = 0;
  drift = 0;
  isDead = false;
  /** The latest time for which an immediate is planned: they run in their order. */
  immediateAt = 0;
  /** By length: when the last timer of that length is due. Timers of one length fire in their order, as in Node. */
  readonly timersDue = new Map<number, number>();
  readonly #bornAt: number;
  readonly #farewells = new Set<() => void>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.random = randomOf(`${world.seed} ${name}`);
    this.#bornAt = world.now;
  }

  run<T>(work: () => T): T {
    return context.run(this, work);
  }

  wall(): number {
    return Math.floor(this.world.epoch + this.skew + this.world.now * (1 + this.drift));
  }

  monotonic(): number {
    return (this.world.now - this.#bornAt) * (1 + this.drift) + 1_000;
  }

  /** Runs `work` in this node `ms` from now. */
  after(ms: number, label: string, work: () => void): Happening {
    return this.world.plan(this.world.now + ms, this, label, work);
  }

  /** Calls `farewell` if the node dies before the returned function is called. */
  onDeath(farewell: () => void): () => void {
    this.#farewells.add(farewell);
    return () => {
      this.#farewells.delete(farewell);
    };
  }

  /** A crash: nothing runs in the node any more, not even what it has planned. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    const farewells = [...this.#farewells];
    this.#farewells.clear();
    for (const farewell of farewells) farewell();
  }
}

/** Length of the part of a trace that is hashed at once, in characters. */
const traceChunk = 65_536;

/** One seed, one clock, one order of everything that happens. */
export class World {
  readonly seed: string;
  readonly epoch = Date.UTC(2026, 0, 1);
  readonly harness: Node;
  readonly #random: Random;
  readonly #heap: Happening[] = [];
  readonly #outside = new Set<Promise<unknown>>();
  readonly #hash = createHash('sha256');
  readonly #log: ((text: string) => void) | null;
  #order = 0;
  #trace = '';
  /** Virtual milliseconds since the beginning. */
  now = 0;
  /** Happenings so far. */
  steps = 0;

  /** @param log gets the trace as text, line by line. */
  constructor(seed: string, log: ((text: string) => void) | null = null) {
    this.seed = seed;
    this.#random = randomOf(`${seed} world`);
    this.#log = log;
    this.harness = new Node(this, 'harness');
    current = this;
  }

  node(name: string): Node {
    return new Node(this, name);
  }

  plan(at: number, node: Node, label: string, run: () => void): Happening {
    const happening = { at, tie: this.#random(), order: this.#order++, node, label, run, off: false };
    this.#push(happening);
    return happening;
  }

  note(text: string): void {
    this.#write(`${this.now.toFixed(3)} # ${text}\n`);
  }

  /** Ends the trace and answers its hash. */
  digest(): string {
    this.#hash.update(this.#trace);
    this.#trace = '';
    return this.#hash.digest('hex').slice(0, 16);
  }

  /**
   * Runs up to `until`: one happening, then all of its microtasks, then the next. A macrotask of the process cannot
   * run before they have drained.
   */
  async run(until: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until || isOver()) break;
      this.#pop();
      if (next.off || next.node.isDead) continue;
      if (next.node.blockedUntil > next.at) {
        next.at = next.node.blockedUntil;
        next.tie = 0;
        this.#push(next);
        continue;
      }
      this.now = next.at;
      this.steps++;
      this.#write(`${next.at.toFixed(3)} ${next.node.name} ${next.label}\n`);
      next.node.run(next.run);
      await settled();
      while (this.#outside.size > 0) {
        await Promise.allSettled(this.#outside);
        await settled();
      }
    }
    if (until !== Number.POSITIVE_INFINITY && this.now < until && !isOver()) this.now = until;
  }

  /** Runs the world until the promise settles: even the harness's own calls take virtual time. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const over = () => {
      done = true;
    };
    promise.then(over, over);
    for (let idle = 0; !done; ) {
      await settled();
      if (this.#outside.size > 0) {
        await Promise.allSettled(this.#outside);
        continue;
      }
      if (done) break;
      if (this.#heap.length === 0 && ++idle > 1_000) throw new Error('The harness waits, and nothing is left to run.');
      await this.run(Number.POSITIVE_INFINITY, () => done);
    }
    return promise;
  }

  /** A call to a real server. Nothing else happens, and no time passes, until it is answered. */
  outside<T>(call: () => Promise<T>): Promise<T> {
    const made = goOutside(async () => call());
    this.#outside.add(made);
    const over = () => {
      this.#outside.delete(made);
    };
    made.then(over, over);
    return made;
  }

  #write(line: string): void {
    this.#log?.(line);
    this.#trace += line;
    if (this.#trace.length < traceChunk) return;
    this.#hash.update(this.#trace);
    this.#trace = '';
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(happening, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        child++;
        least = right;
      }
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(left: Happening, right: Happening): boolean {
  if (left.at !== right.at) return left.at < right.at;
  return left.tie === right.tie ? left.order < right.order : left.tie < right.tie;
}

/** The true time, for the speed of a run. */
export const trueNow = real.now;
