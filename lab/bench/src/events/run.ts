import { oursOf, runChild } from '../child.ts';
import { cpuMs } from '../process.ts';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';
import { startSubscriber } from './start-subscriber.ts';
import type { SubscriberCounts } from './subscriber-counts.ts';

export interface Mode {
  readonly who: string;
  readonly env: Readonly<Record<string, string>>;
  readonly followed: boolean;
}

export const modes: readonly Mode[] = [
  { who: 'events off', env: { OJS_EVENTS: 'false' }, followed: false },
  { who: 'on', env: {}, followed: false },
  { who: 'on, subscriber', env: {}, followed: true },
  { who: 'on, subscriber without a rate', env: { OJS_REALTIME_RATE: '0' }, followed: true },
];

export interface EventsFigure {
  readonly jobsPerSecond: number;
  /**
   * CPU time of the server process in microseconds a job, from the start of the worker until the last job is counted as
   * completed.
   */
  readonly serverCpuUs: number;
  /** Of the subscriber, enqueueing included; null without one. */
  readonly counts: SubscriberCounts | null;
  readonly durability: string;
}

/** A drain over HTTP on a fresh store, as `scenarios/drain.ts` has it. */
export async function runDrain(
  { env, followed }: Mode,
  storage: string,
  jobs: number,
  concurrency: number,
): Promise<EventsFigure> {
  await using store = await freshStore(storage);
  await using server = await startServer(store.storage, { env });
  await using following = followed ? await startSubscriber(server.url) : null;
  let before = Number.NaN;
  const onReady = () => {
    before = cpuMs(server.pid);
  };
  const target = { url: server.url, pid: server.pid };
  const task = { scenario: { name: 'drain', concurrency } as const, jobs, target };
  const outcome = await runChild(oursOf(), task, { onReady });
  const serverCpuUs = ((cpuMs(server.pid) - before) * 1_000) / jobs;
  if (outcome.kind !== 'rate') throw new Error(`a drain answered ${outcome.kind}`);
  const counts = (await following?.stop()) ?? null;
  if (counts !== null && counts.events === 0) throw new Error('the subscriber received nothing');
  return {
    jobsPerSecond: outcome.jobsPerSecond,
    serverCpuUs,
    counts,
    durability: [outcome.durability, store.settings].filter(Boolean).join('; '),
  };
}
