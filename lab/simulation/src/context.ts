import type { Coverage } from './faults/coverage.ts';
import type { Recorder } from './history/recorder.ts';
import type { Network } from './network/network.ts';
import type { Endpoint } from './network/transport.ts';
import type { Parameters } from './scenario.ts';
import type { Store } from './store/open.ts';
import type { World } from './world/world.ts';

/** One execution of a handler. */
export interface Run {
  readonly job: string;
  readonly lease: string;
  readonly attempt: number;
  readonly worker: string;
  /** Null where the execution was cut off. */
  succeeded: boolean | null;
  /** Numbers of the checkpoint that it was given, and of the last one that was acknowledged before its start. */
  readonly checkpoint: { readonly found: number; readonly saved: number };
}

/** A rule that was broken. */
export interface Problem {
  readonly rule: string;
  readonly message: string;
  readonly job?: string;
}

/** What the parts of a simulated cluster share. */
export interface Context {
  readonly world: World;
  readonly network: Network;
  readonly coverage: Coverage;
  readonly recorder: Recorder;
  readonly parameters: Parameters;
  readonly store: Store;
  readonly endpoints: readonly Endpoint[];
  readonly runs: Run[];
  readonly problems: Problem[];
  /** Jobs that clients have made, for operators to choose from. */
  readonly made: string[];
  /** Workflows that clients have started. */
  readonly workflows: { readonly id: string; readonly nodes: readonly object[] }[];
  /** Workflows whose failing steps complete from now on. */
  readonly mended: Set<string>;
  /** By job, what was made with limits of their own. */
  readonly limited: Map<string, string>;
  /** By job: the number of the last checkpoint that was acknowledged. */
  readonly checkpoints: Map<string, number>;
}

/** An error that a fault explains is none of ours. */
export function isExplained(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'StoreUnavailable' || ('code' in error && error.code === 'backend_unavailable'))
  );
}

export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
