// The tasks of ../src/worker.ts, for a queue that keeps its jobs in a server.
import { setTimeout as pause } from 'node:timers/promises';
import { type Payload, payloadOf } from '../src/payload.ts';
import { Calls } from '../src/scenarios/checks.ts';
import { latency, rate, wallClock } from '../src/statistics.ts';
import type { Latency, Message, Rate, Scenario, Task } from '../src/task.ts';

export interface Peer {
  readonly durability: string;
  enqueue(payload: Payload): Promise<unknown>;
  enqueueAll(payloads: readonly Payload[]): Promise<unknown>;
  /** Starts a worker; `idle`: it is to react fast, not to get much done. Resolves when it looks for jobs. */
  work(concurrency: number, handle: (payload: Payload) => void, idle: boolean): Promise<{ stop(): Promise<unknown> }>;
  /** Jobs of the store that are not finished, by its own count. */
  unfinished(): Promise<number>;
  /** Finished jobs of the store; null where it removes them. */
  finished(): Promise<number | null>;
  close(): Promise<unknown>;
}

/** As ../src/scenarios has them. */
const callers = 64;
const batchSize = 1_000;
const pickupConcurrency = 10;
const stallMs = 30_000;

async function enqueue(peer: Peer, jobs: number): Promise<Rate> {
  let next = 0;
  const call = async () => {
    while (next < jobs) await peer.enqueue(payloadOf(next++));
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: callers }, call));
  const ms = performance.now() - from;
  await expectWaiting(peer, jobs);
  return rate(jobs, ms);
}

async function batch(peer: Peer, jobs: number): Promise<Rate> {
  const from = performance.now();
  for (let first = 0; first < jobs; first += batchSize) {
    await peer.enqueueAll(
      Array.from({ length: Math.min(batchSize, jobs - first) }, (_, index) => payloadOf(first + index)),
    );
  }
  const ms = performance.now() - from;
  await expectWaiting(peer, jobs);
  return rate(jobs, ms);
}

async function drain(peer: Peer, jobs: number, concurrency: number): Promise<Rate> {
  await batch(peer, jobs);
  const calls = new Calls(jobs);
  let from: number | undefined;
  const handle = ({ n }: Payload) => {
    from ??= performance.now();
    calls.add(n);
  };
  const worker = await peer.work(concurrency, handle, false);
  await calls.done(never);
  await untilFinished(peer);
  const ms = performance.now() - (from ?? Number.NaN);
  await worker.stop();
  await expectFinished(peer, jobs);
  calls.check();
  return rate(jobs, ms);
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
  await untilFinished(peer);
  await worker.stop();
  await expectFinished(peer, jobs);
  calls.check();
  return latency(sent, starts);
}

const never = new Promise<void>(() => {});

async function expectWaiting(peer: Peer, jobs: number): Promise<void> {
  const count = await peer.unfinished();
  if (count !== jobs) throw new Error(`the store counts ${count} of ${jobs} jobs as waiting`);
}

async function untilFinished(peer: Peer): Promise<void> {
  const until = performance.now() + stallMs;
  for (;;) {
    const count = await peer.unfinished();
    if (count === 0) return;
    if (performance.now() > until)
      throw new Error(`the store counts ${count} jobs as unfinished, ${stallMs / 1_000} s after the last call`);
    await pause(1);
  }
}

async function expectFinished(peer: Peer, jobs: number): Promise<void> {
  const count = await peer.finished();
  if (count !== null && count !== jobs) throw new Error(`the store counts ${count} of ${jobs} jobs as finished`);
}

function measure(peer: Peer, scenario: Scenario, jobs: number): Promise<Rate | Latency> {
  switch (scenario.name) {
    case 'enqueue':
      return enqueue(peer, jobs);
    case 'batch':
      return batch(peer, jobs);
    case 'drain':
      return drain(peer, jobs, scenario.concurrency);
    case 'pickup':
      return pickup(peer, jobs);
  }
}

async function carryOut(
  open: (storage: string, scenario: Scenario) => Promise<Peer>,
  { scenario, jobs, target }: Task,
): Promise<Message> {
  if (!('storage' in target)) throw new Error('a peer has no server of its own');
  const peer = await open(target.storage, scenario);
  try {
    return { outcome: { ...(await measure(peer, scenario, jobs)), durability: peer.durability } };
  } finally {
    await peer.close();
  }
}

/** Carries out the one task that the parent sends, and ends. */
export function contest(open: (storage: string, scenario: Scenario) => Promise<Peer>): void {
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
