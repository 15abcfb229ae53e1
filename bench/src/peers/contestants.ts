import { fileURLToPath } from 'node:url';
import type { StoreKind } from '../store.ts';

export interface Peer {
  readonly who: string;
  /** The child process that carries out a task with it. */
  readonly entry: string;
  /** The program that runs the entry; this Node if left out. */
  readonly program?: string;
  /** What it keeps, by its defaults: less kept is less written. */
  readonly retention: string;
  /** How it was set up where that is not its default. */
  readonly setUp: string;
  /** How it removes finished jobs; null where it cannot. */
  readonly deletes: string | null;
}

const inPeers = (path: string) => fileURLToPath(new URL(`../../peers/${path}`, import.meta.url));

function peer(who: string, terms: Omit<Peer, 'who' | 'entry'>, entry = who): Peer {
  return { who, entry: inPeers(`${entry}.ts`), ...terms };
}

export const peers: Readonly<Record<StoreKind, readonly Peer[]>> = {
  memory: [],
  sqlite: [
    peer('plainjob', {
      retention: 'done jobs 7 days, failed ones 30',
      setUp: 'poll of 5 ms; as many workers as the concurrency; no fence, no events, no statistics',
      deletes: 'by its maintenance each second',
    }),
    peer('bunqueue', {
      program: inPeers('node_modules/.bin/bun'),
      retention: 'every job, until somebody removes it',
      setUp: 'embedded, in Bun; `durable`, because its default answers before it writes',
      deletes: 'with the completion',
    }),
  ],
  postgres: [
    peer('graphile-worker', {
      retention: 'nothing: a job that is done is deleted',
      setUp: 'local queue of 500 and completions in batches, but for pickup; no fence, no events, no statistics',
      deletes: 'with the completion',
    }),
    peer('pg-boss', {
      retention: 'completed jobs 7 days',
      setUp: 'batches of the concurrency, bursts while they are full, poll of 0.5 s (its shortest); no events',
      deletes: 'by its maintenance each second',
    }),
  ],
  redis: [
    peer('bullmq', {
      retention: 'every job, until somebody removes it',
      setUp: 'its defaults: events of each job in a stream of about 10,000',
      deletes: 'with the completion',
    }),
    peer('bee-queue', {
      retention: 'every job that succeeded, until somebody removes it',
      setUp: 'its events off; no fence, no priorities',
      deletes: 'with the completion',
    }),
    peer('groupmq', {
      retention: 'nothing: a job that is done is deleted',
      setUp: 'its defaults; each job is a group of its own, because a group runs one job at a time',
      deletes: 'with the completion',
    }),
    peer(
      '@platformatic/job-queue',
      {
        retention: 'a result of each job, for an hour',
        setUp: 'its defaults',
        deletes: null,
      },
      'platformatic',
    ),
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
