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
      setUp:
        'batches of the concurrency, bursts while they are full, LISTEN/NOTIFY, poll of 0.5 s (its shortest); no events',
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
      { retention: 'a result of each job, for an hour', setUp: 'its defaults', deletes: null },
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
  /** Ours; left out where it is the storage of the peer. */
  readonly on?: StoreKind;
}

const target = (scenario: string, who: Target['who'], peer: string, least: number): Target => ({
  scenario,
  who,
  peer,
  least,
});

export const targets: readonly Target[] = [
  target('drain-100', 'embedded', 'graphile-worker', 1.5),
  target('drain-10', 'embedded', 'graphile-worker', 1.3),
  target('enqueue', 'embedded', 'graphile-worker', 12),
  target('batch', 'embedded', 'graphile-worker', 1),
  target('drain-100', 'embedded', 'pg-boss', 4),
  target('drain-100', 'http', 'graphile-worker', 1),
  target('drain-100', 'embedded', 'bullmq', 2.5),
  target('drain-10', 'embedded', 'bullmq', 2),
  target('drain-100', 'embedded', 'bee-queue', 2),
  target('enqueue', 'embedded', 'bullmq', 1.2),
  target('batch', 'embedded', 'bullmq', 2),
  target('drain-100', 'http', 'bullmq', 1.5),
  target('drain-10', 'http', 'bullmq', 1.3),
  target('enqueue', 'http', 'bullmq', 0.8),
  target('drain-100', 'embedded', 'plainjob', 5),
  target('drain-100', 'http', 'plainjob', 4),
  target('enqueue', 'embedded', 'plainjob', 1.2),
  target('batch', 'embedded', 'plainjob', 0.35),
  { ...target('drain-100', 'http', 'bullmq', 2.5), on: 'sqlite' },
];

export const pickupTargetMs = 10;
