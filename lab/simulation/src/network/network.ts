import type { Coverage } from '../faults/coverage.ts';
import type { Random } from '../world/random.ts';
import type { Node } from '../world/world.ts';

/** What is wrong with the ways between nodes just now. Probabilities are of one message or call. */
export interface Conditions {
  drop: number;
  /** A proxy sends a request again; the answer to the first copy goes nowhere. */
  duplicate: number;
  /** A request is held up for as long as 20 s, or its answer for 15 s. */
  late: number;
  /** A call to the store fails, before or after its effect. */
  storeFault: number;
  wakeLoss: number;
  /** Factor of every latency. */
  slow: number;
  /** Milliseconds that a reader of a stream takes for each chunk. */
  readMs: number;
}

const healthy: Conditions = { drop: 0, duplicate: 0, late: 0, storeFault: 0, wakeLoss: 0, slow: 1, readMs: 0 };

/** The ways between nodes. */
export class Network {
  readonly conditions: Conditions = { ...healthy };
  /** Pairs of names that cannot reach each other, such as `w0 s1`. */
  readonly cuts = new Set<string>();
  readonly coverage: Coverage;
  /** Races between servers need ways to the store that take as long as their rounds, so each seed has its own. */
  storeScale: number;
  /** The longest that a server waited for the store's time: the server knows it no better than half of that. */
  longestClockTrip = 0;

  constructor(coverage: Coverage, storeScale: number) {
    this.coverage = coverage;
    this.storeScale = storeScale;
  }

  isLinked(one: Node | string, other: Node | string): boolean {
    const [left, right] = [baseOf(one), baseOf(other)];
    const linked = !this.cuts.has(`${left} ${right}`) && !this.cuts.has(`${right} ${left}`);
    if (!linked) this.coverage.count('network cut');
    return linked;
  }

  /** Milliseconds of one way: mostly under 2, one in fifty up to 200. */
  latency(random: Random): number {
    return (0.2 + 2 * random() + (random() < 0.02 ? 200 * random() : 0)) * this.conditions.slow;
  }

  /** At most 8 s: a call that is made before the calm has ended before the probes. */
  storeLatency(random: Random): number {
    const ms = 0.1 + 0.8 * random() + (random() < 0.01 ? 100 * random() : 0);
    return Math.min(8_000, ms * this.conditions.slow * this.storeScale);
  }

  heal(): void {
    Object.assign(this.conditions, healthy);
    this.cuts.clear();
  }
}

/** A node's name without the number of its start: `w0` of `w0#3`. */
function baseOf(node: Node | string): string {
  const name = typeof node === 'string' ? node : node.name;
  return name.split('#')[0] ?? name;
}
