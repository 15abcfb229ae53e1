/**
 * What a child process is asked, and what it answers. Both travel as JSON over the channel between parent and child.
 */

/** `storage`: the engine in the child itself. `url`: a server in another process. */
export type Target = { readonly storage: string } | { readonly url: string; readonly pid: number };

export type Scenario =
  | { readonly name: 'enqueue' }
  | { readonly name: 'batch' }
  | { readonly name: 'drain'; readonly concurrency: number }
  | { readonly name: 'pickup' };

export interface Task {
  readonly scenario: Scenario;
  readonly target: Target;
  readonly jobs: number;
  /** Pickup over HTTP: the worker and the producer are processes of their own. */
  readonly role?: 'worker' | 'producer';
}

export interface Rate {
  readonly kind: 'rate';
  readonly jobsPerSecond: number;
  /** CPU microseconds a job: of this process with all its threads, and of a server. Absent for peers. */
  readonly cpu?: { readonly own: number; readonly server?: number };
}

export interface Latency {
  readonly kind: 'latency';
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Wall-clock milliseconds by job number; one half of a latency. */
export interface Times {
  readonly kind: 'times';
  readonly times: readonly number[];
}

export type Outcome = (Rate | Latency | Times) & { readonly durability: string };

export type Message = { readonly ready: true } | { readonly outcome: Outcome } | { readonly error: string };

export function labelOf(scenario: Scenario): string {
  return scenario.name === 'drain' ? `drain-${scenario.concurrency}` : scenario.name;
}
