// The tasks of ../src/worker.ts, for another queue.
import { setTimeout as pause } from 'node:timers/promises';
import { type Payload, payloadOf } from '../src/payload.ts';
import { Calls } from '../src/scenarios/checks.ts';
import { paced } from '../src/scenarios/paced.ts';
import { latency, wallClock } from '../src/statistics.ts';
import { Stopwatch } from '../src/stopwatch.ts';
import {
  type Drain,
  type Latency,
  type Measured,
  type Message,
  type Rate,
  type Scenario,
  type Task,
  usualCallers,
} from '../src/task.ts';

export interface Peer {
  readonly durability: string;
  enqueue(payload: Payload): Promise<unknown>;
  enqueueAll(payloads: readonly Payload[]): Promise<unknown>;
  /** Starts a worker; `idle`: it is to react fast, not to get much done. Resolves when it looks for jobs. */
  work(concurrency: number, handle: (payload: Payload) => void, idle: boolean): Promise<{ stop(): Promise<unknown> }>;
  /** Jobs of the store that are not finished, by its own count. */
  unfinished(): Promise<number>;
  /** Finished jobs of the store; null where it removes them, or does not count them. */
  finished(): Promise<number | null>;
  close(): Promise<unknown>;
}

/** @param deleting Whether it is to remove finished jobs. */
type Open = (storage: string, deleting: boolean) => Promise<Peer>;

/** As ../src/scenarios has them. */
const batchSize = 1_000;
const pickupConcurrency = 10;
const stallMs = 30_000;

/** Jobs of a round; some stores keep the number of a job as its id. */
interface Round {
  readonly first: number;
  readonly jobs: number;
}

async function enqueue(peer: Peer, { first, jobs }: Round, callers: number, watch: Stopwatch): Promise<Rate> {
  const before = await peer.unfinished();
  let next = 0;
  const call = async () => {
    while (next < jobs) await peer.enqueue(payloadOf(first + next++));
  };
  watch.start();
  await Promise.all(Array.from({ length: callers }, call));
  const figure = watch.stop(jobs);
  await expectWaiting(peer, jobs, before);
  return figure;
}

async function batch(peer: Peer, round: Round, watch: Stopwatch): Promise<Rate> {
  const before = await peer.unfinished();
  watch.start();
  await enqueueAll(peer, round);
  const figure = watch.stop(round.jobs);
  await expectWaiting(peer, round.jobs, before);
  return figure;
}

async function enqueueAll(peer: Peer, { first, jobs }: Round): Promise<void> {
  for (let at = 0; at < jobs; at += batchSize) {
    const size = Math.min(batchSize, jobs - at);
    await peer.enqueueAll(Array.from({ length: size }, (_, index) => payloadOf(first + at + index)));
  }
}

async function drain(peer: Peer, round: Round, { concurrency, deleting }: Drain, watch: Stopwatch): Promise<Rate> {
  const { first, jobs } = round;
  const before = (await peer.finished()) ?? 0;
  await enqueueAll(peer, round);
  await expectWaiting(peer, jobs, 0);
  const calls = new Calls(jobs);
  const handle = ({ n }: Payload) => {
    watch.start();
    calls.add(n - first);
  };
  const worker = await peer.work(concurrency, handle, false);
  await calls.done(never);
  await untilNone(() => peer.unfinished(), 'unfinished');
  watch.lap();
  // Rarely, because CPU time is running.
  if (deleting) await untilNone(async () => (await peer.finished()) ?? 0, 'finished', 250);
  const figure = watch.stop(jobs);
  await worker.stop();
  if (!deleting) await expectFinished(peer, before + jobs);
  calls.check();
  return figure;
}

async function pickup(peer: Peer, jobs: number): Promise<Latency> {
  const starts: number[] = [];
  const calls = new Calls(jobs);
  const handle = ({ n }: Payload) => {
    const now = wallClock();
    starts[n] = now;
    calls.add(n);
  };
  const worker = await peer.work(pickupConcurrency, handle, true);
  const sent: number[] = [];
  for (let n = 0; n < jobs; n++) {
    await pause(1 + Math.random() * 19);
    sent.push(wallClock());
    await peer.enqueue(payloadOf(n));
  }
  await calls.done(never);
  await untilNone(() => peer.unfinished(), 'unfinished');
  await worker.stop();
  await expectFinished(peer, jobs);
  calls.check();
  return latency(sent, starts);
}

const never = new Promise<void>(() => {});

async function expectWaiting(peer: Peer, jobs: number, before: number): Promise<void> {
  const count = (await peer.unfinished()) - before;
  if (count !== jobs) throw new Error(`the store counts ${count} of ${jobs} jobs as waiting`);
}

async function untilNone(count: () => Promise<number>, what: string, everyMs = 1): Promise<void> {
  for (const until = performance.now() + stallMs; ; ) {
    const left = await count();
    if (left === 0) return;
    if (performance.now() > until)
      throw new Error(`the store counts ${left} jobs as ${what}, ${stallMs / 1_000} s after the last call`);
    await pause(everyMs);
  }
}

async function expectFinished(peer: Peer, jobs: number): Promise<void> {
  const count = await peer.finished();
  if (count !== null && count !== jobs) throw new Error(`the store counts ${count} of ${jobs} jobs as finished`);
}

function measure(peer: Peer, scenario: Scenario, round: Round, watch: Stopwatch): Promise<Measured> {
  switch (scenario.name) {
    case 'enqueue':
      return enqueue(peer, round, scenario.callers ?? usualCallers, watch);
    case 'batch':
      return batch(peer, round, watch);
    case 'drain':
      return drain(peer, round, scenario, watch);
    case 'pickup':
      return pickup(peer, round.jobs);
    case 'paced': {
      const subject = {
        enqueue: (n: number) => peer.enqueue(payloadOf(n)),
        work: (concurrency: number, onStart: (n: number) => void) =>
          peer.work(concurrency, ({ n }) => onStart(n), false),
        unfinished: () => peer.unfinished(),
      };
      return paced(subject, scenario.rate, scenario.seconds);
    }
  }
}

async function carryOut(open: Open, task: Task): Promise<Message> {
  const { scenario, jobs, warm = 0, target } = task;
  if (!('storage' in target)) throw new Error('a peer has no server of its own');
  const peer = await open(target.storage, scenario.name === 'drain' && scenario.deleting === true);
  try {
    if (warm > 0) await measure(peer, scenario, { first: 0, jobs: warm }, new Stopwatch(task));
    const measured = await measure(peer, scenario, { first: warm, jobs }, new Stopwatch(task));
    return { outcome: { ...measured, durability: peer.durability } };
  } finally {
    await peer.close();
  }
}

/** Carries out the one task that the parent sends, and ends. */
export function contest(open: Open): void {
  process.once('message', (task: Task) => {
    carryOut(open, task)
      .catch(
        (error: unknown): Message => ({
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
      )
      .then((message) => process.send?.(message, undefined, {}, () => process.exit()));
  });
}
