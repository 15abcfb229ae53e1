import type { Answer, Call } from '@ojs-ts/core';
import type { Node, World } from '../world/world.ts';
import { partsOf } from './wire.ts';

/** A record of the history, in the format of `lab/checker/README.md`. */
export interface HistoryLine {
  readonly at: number;
  readonly kind: string;
  readonly [member: string]: unknown;
}

/** Writes the history of a world: calls and answers as the callers see them. */
export class Recorder {
  readonly #world: World;
  readonly lines: HistoryLine[] = [];
  /** By job, how the job was delivered to workers: told of each answered fetch. */
  onDelivered: (job: string, node: Node) => void = () => {};
  /** Told of each heartbeat that was answered. */
  onHeartbeat: (node: Node) => void = () => {};
  /** Until then servers may have a wrong time, and nobody can say how long a lease or a wait is. */
  timeIsRightAt = 0;
  readonly #workers = new Map<unknown, string>();
  #calls = 0;

  constructor(world: World) {
    this.#world = world;
  }

  add(kind: string, members: Readonly<Record<string, unknown>>): void {
    this.lines.push({ at: this.#world.now, kind, ...members });
  }

  /** The node that a worker's id stands for. */
  name(worker: string, node: string): void {
    this.#workers.set(worker, node);
  }

  /** A call that a node makes; the returned function takes its answer, or null for none. */
  call(node: string, op: string, members: object): (outcome: string, members?: object) => void {
    const call = ++this.#calls;
    this.add('call', { call, node, op, ...members });
    return (outcome, answered = {}) => this.add('answer', { call, outcome, ...answered });
  }

  /**
   * A request of the SDK, which may be several calls in one. The returned function takes its answer, and whether the
   * network has made a copy of the request.
   */
  calling(node: Node, call: Call): (answer: Answer | null, isTwice: boolean) => void {
    if (this.#world.now < this.timeIsRightAt) this.add('clock', { jumpMs: 0 });
    const parts = partsOf(call, this.#world.now).map(({ op, members, answered }) => ({
      op,
      answered,
      end: this.call(node.name, op, 'worker' in members ? { worker: this.#workers.get(members.worker) } : members),
    }));
    return (answer, isTwice) => {
      for (const { op, end, answered } of parts) {
        if (answer === null || answer.status >= 500) {
          end('unknown');
          continue;
        }
        const { outcome, jobs, ...members } = answered(answer);
        const known = isTwice && copyMayAct(op, outcome) ? 'unknown' : outcome;
        end(known, jobs === undefined ? members : { ...members, jobs: jobs.map((job) => this.#withoutDoubt(job)) });
        for (const { id, lease } of jobs ?? []) if (lease !== undefined) this.onDelivered(id, node);
      }
      if (call.operation === 'worker.heartbeat' && answer !== null && answer.status < 300) this.onHeartbeat(node);
    };
  }

  #withoutDoubt<T extends object>(job: T): T {
    return this.#world.now < this.timeIsRightAt ? { ...job, leaseMs: undefined } : job;
  }
}

/** Calls of operators with a key: the server tells the copy of one that it has accepted. */
const keyed: ReadonlySet<string> = new Set(['cancel', 'discard', 'activate', 'retry']);

/**
 * Whether the copy of a request may change more than its first arrival did: what was refused may be accepted later, and
 * a worker may have claimed since its claims were given back.
 */
function copyMayAct(op: string, outcome: string): boolean {
  return op === 'release' || (outcome === 'refused' && keyed.has(op));
}
