import { real } from './real.ts';
import { type Happening, here, type Node } from './world.ts';

/** The longest timer of Node; a longer one fires at once. */
const longest = 2 ** 31 - 1;

/** A timer or an interval of a node. */
export class Timer {
  readonly #node: Node;
  readonly #ms: number;
  readonly #work: () => void;
  readonly #repeats: boolean;
  #happening: Happening;

  constructor(node: Node, ms: number, work: () => void, repeats: boolean) {
    this.#node = node;
    this.#ms = ms >= 1 && ms <= longest ? Math.trunc(ms) : 1;
    this.#work = work;
    this.#repeats = repeats;
    this.#happening = this.#arm();
  }

  /** A loop is late by 0 to 2 ms, mostly by nearly nothing. */
  #arm(): Happening {
    const { timersDue, world, random } = this.#node;
    const due = Math.max(world.now + this.#ms + 2 * random() ** 4, timersDue.get(this.#ms) ?? 0);
    timersDue.set(this.#ms, due);
    return world.plan(due, this.#node, this.#repeats ? 'interval' : 'timer', () => {
      if (this.#repeats) this.#happening = this.#arm();
      this.#work();
    });
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.#happening.off = true;
    this.#happening = this.#arm();
    return this;
  }

  close(): this {
    this.#happening.off = true;
    return this;
  }

  [Symbol.dispose](): void {
    this.#happening.off = true;
  }

  [Symbol.toPrimitive](): number {
    return this.#happening.order;
  }
}

/** An immediate of a node. */
class Immediate {
  readonly #happening: Happening;

  constructor(node: Node, work: () => void) {
    const { world, random } = node;
    node.immediateAt = Math.max(node.immediateAt, world.now + 0.02 + 0.3 * random() ** 3);
    this.#happening = world.plan(node.immediateAt, node, 'immediate', work);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  close(): void {
    this.#happening.off = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

type Work = (...args: unknown[]) => void;

/** The functions that take the place of Node's own. Outside of the world they are Node's own. */
export const timers = {
  setTimeout: (work: Work, ms = 1, ...args: unknown[]) => {
    const node = here();
    return node === undefined ? real.setTimeout(work, ms, ...args) : new Timer(node, ms, () => work(...args), false);
  },
  setInterval: (work: Work, ms = 1, ...args: unknown[]) => {
    const node = here();
    return node === undefined ? real.setInterval(work, ms, ...args) : new Timer(node, ms, () => work(...args), true);
  },
  setImmediate: (work: Work, ...args: unknown[]) => {
    const node = here();
    return node === undefined ? real.setImmediate(work, ...args) : new Immediate(node, () => work(...args));
  },
  clearTimeout: clear,
  clearInterval: clear,
  clearImmediate: clear,
};

function clear(timer: unknown): void {
  if (timer instanceof Timer || timer instanceof Immediate) timer.close();
  else if (timer instanceof realTimeout) real.clearTimeout(timer);
  else if (timer instanceof realImmediate) real.clearImmediate(timer);
}

const realTimeout = classOf(real.setTimeout(() => {}, 0));
const realImmediate = classOf(real.setImmediate(() => {}));

function classOf<T extends object>(instance: T): new () => T {
  return Object.getPrototypeOf(instance).constructor;
}
