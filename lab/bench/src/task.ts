/**
 * What a child process is asked, and what it answers. Both travel as JSON over the channel between parent and child.
 */

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
}

/** `storage`: the engine in the child itself. `url`: a server in another process; `others` are on the same store. */
export type Target = { readonly storage: string } | (ServerProcess & { readonly others?: readonly ServerProcess[] });

export type Scenario =
  /** By 64 callers if left out. */
  | { readonly name: 'enqueue'; readonly callers?: number }
  | { readonly name: 'batch' }
  | Drain
  | { readonly name: 'pickup' }
  /** Single enqueues at a steady rate a second, whatever the queue does. */
  | { readonly name: 'paced'; readonly rate: number; readonly seconds: number };

export interface Drain {
  readonly name: 'drain';
  readonly concurrency: number;
  /** Finished jobs are removed, and their removal is part of the work. */
  readonly deleting?: true;
  /** 1 if left out; each has the concurrency. */
  readonly workers?: number;
}

export interface Task {
  readonly scenario: Scenario;
  readonly target: Target;
  readonly jobs: number;
  /** A round of so many jobs comes first in the same processes, and is thrown away; 0 if left out. */
  readonly warm?: number;
  /** The first process of the store; absent or null where it is no process of this machine. */
  readonly storePid?: number | null;
  /** Pickup over HTTP: the worker and the producer are processes of their own. */
  readonly role?: 'worker' | 'producer';
}

/** CPU microseconds a job; absent where there is no such process, or the system does not say. */
export interface Cpu {
  /** The process of the worker; with the engine, where that is embedded. */
  readonly own: number;
  /** All servers. */
  readonly server?: number;
  readonly store?: number;
}

export interface Rate {
  readonly kind: 'rate';
  readonly jobsPerSecond: number;
  /** Absent where another checkout does not count it. */
  readonly cpu?: Cpu;
}

export interface Latency {
  readonly kind: 'latency';
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** At a steady rate: from the moment a job was due to be enqueued to its start, in milliseconds. */
export interface Paced {
  readonly kind: 'paced';
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Why the queue did not keep up; null where it did. */
  readonly behind: string | null;
}

/** Wall-clock milliseconds by job number; one half of a latency. */
export interface Times {
  readonly kind: 'times';
  readonly times: readonly number[];
}

export type Measured = Rate | Latency | Paced | Times;

export type Outcome = Measured & { readonly durability: string };

export type Message = { readonly ready: true } | { readonly outcome: Outcome } | { readonly error: string };

/** Single enqueues at once, where the scenario does not say. */
export const usualCallers = 64;

export function labelOf(scenario: Scenario): string {
  switch (scenario.name) {
    case 'drain': {
      const { concurrency, deleting, workers } = scenario;
      return `drain-${concurrency}${deleting ? '-deleting' : ''}${workers ? ` with ${workers} workers` : ''}`;
    }
    case 'enqueue':
      return scenario.callers === undefined ? 'enqueue' : `enqueue-${scenario.callers}`;
    case 'paced':
      return `paced-${scenario.rate}`;
    default:
      return scenario.name;
  }
}
