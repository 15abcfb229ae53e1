import { fileURLToPath } from 'node:url';
import type { StoreKind } from './store.ts';

export interface PeerTerms {
  readonly who: string;
  /** The child process that carries out a task with it. */
  readonly entry: string;
  /** What it keeps, by its defaults: less kept is less written. */
  readonly retention: string;
  /** How it was set up where that is not its default. */
  readonly setUp: string;
}

function peer(who: string, retention: string, setUp: string): PeerTerms {
  return { who, entry: fileURLToPath(new URL(`../peers/${who}.ts`, import.meta.url)), retention, setUp };
}

export const peers: Readonly<Record<StoreKind, readonly PeerTerms[]>> = {
  memory: [],
  sqlite: [
    peer(
      'plainjob',
      'done jobs 7 days, failed ones 30',
      'poll of 5 ms; as many workers as the concurrency; no fence, no events, no statistics',
    ),
  ],
  postgres: [
    peer(
      'graphile-worker',
      'nothing: a job that is done is deleted',
      'local queue of 500 and completions in batches, but for pickup; no fence, no events, no statistics',
    ),
    peer(
      'pg-boss',
      'completed jobs 7 days',
      'batches of the concurrency, bursts while they are full, poll of 0.5 s (its shortest); no events',
    ),
  ],
  redis: [
    peer(
      'bullmq',
      'every job, until somebody removes it',
      'its defaults: events of each job in a stream of about 10,000',
    ),
    peer('bee-queue', 'every job that succeeded, until somebody removes it', 'its events off; no fence, no priorities'),
  ],
};

/** What the design asks for, as multiples of a peer's jobs/s in the same run. */
export interface Target {
  readonly scenario: string;
  readonly who: 'embedded' | 'http';
  readonly peer: string;
  readonly least: number;
}

export const targets: readonly Target[] = [
  { scenario: 'drain-100', who: 'embedded', peer: 'plainjob', least: 4 },
  { scenario: 'drain-100', who: 'http', peer: 'plainjob', least: 2 },
  { scenario: 'drain-10', who: 'embedded', peer: 'graphile-worker', least: 1.3 },
  { scenario: 'drain-100', who: 'embedded', peer: 'graphile-worker', least: 1.3 },
  { scenario: 'drain-10', who: 'embedded', peer: 'pg-boss', least: 3 },
  { scenario: 'drain-100', who: 'embedded', peer: 'pg-boss', least: 3 },
  { scenario: 'enqueue', who: 'embedded', peer: 'graphile-worker', least: 10 },
  { scenario: 'drain-100', who: 'embedded', peer: 'bullmq', least: 2.5 },
  { scenario: 'drain-100', who: 'embedded', peer: 'bee-queue', least: 2 },
  { scenario: 'drain-10', who: 'embedded', peer: 'bullmq', least: 1.7 },
  { scenario: 'drain-100', who: 'http', peer: 'bullmq', least: 2 },
  { scenario: 'drain-10', who: 'http', peer: 'bullmq', least: 1 },
];

export const pickupTargetMs = 10;
