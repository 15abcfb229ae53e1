import { openSync, writeSync } from 'node:fs';
import type { Answer, Call } from '@ojs-ts/core';
import { partsOf } from '../../simulation/src/history/wire.ts';

/** Milliseconds of the machine's monotonic clock, the same in every process. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Writes the records of one process. Each is in the file before the process goes on, so a kill loses none. */
export class HistoryFile {
  readonly #node: string;
  readonly #file: number;
  // Calls of all processes are told apart by their numbers.
  #calls = process.pid * 1e9;

  constructor(path: string, node: string) {
    this.#file = openSync(path, 'a');
    this.#node = node;
  }

  add(kind: string, members: object = {}): void {
    writeSync(this.#file, `${JSON.stringify({ at: now(), kind, ...members })}\n`);
  }

  call(op: string, members: object): (outcome: string, answered?: object) => void {
    const call = ++this.#calls;
    this.add('call', { call, node: this.#node, op, ...members });
    return (outcome, answered = {}) => this.add('answer', { call, outcome, ...answered });
  }

  /** Records the calls of a transport. A request that fails, or that the server fails at, may have taken effect. */
  record(transport: Caller): void {
    const send = transport.call;
    const history = this;
    transport.call = async function (call, context) {
      const parts = partsOf(call, now()).map(({ op, members, answered }) => ({
        answered,
        end: history.call(op, 'worker' in members ? { worker: history.#node } : members),
      }));
      const began = now();
      const answer = await send.call(this, call, context);
      const isSlow = now() - began > slowMs;
      for (const { end, answered } of parts) {
        const { outcome, jobs, ...members } =
          answer.status >= 500 ? { outcome: 'unknown', jobs: undefined } : answered(answer);
        end(outcome, jobs === undefined ? members : { ...members, jobs: isSlow ? jobs.map(uncertain) : jobs });
      }
      return answer;
    };
  }
}

/**
 * Heartbeats go from a thread that nobody records. Two of them before the answer do not list its jobs, so these may go
 * back before their leases end.
 */
const slowMs = 1_000;

function uncertain<T extends object>(job: T): T {
  return { ...job, leaseMs: undefined };
}

interface Caller {
  call(call: Call, context?: object): Promise<Answer>;
}
