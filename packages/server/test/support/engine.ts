import { type ManualClock, manualClock } from '@ojs-ts/core';
import { type JobPolicy, type JobRecord, type NewJob, State } from '@ojs-ts/core/job';
import type { PushItem } from '@ojs-ts/core/lifecycle';
import { Engine } from '../../src/engine/engine.ts';
import type { FetchRequest } from '../../src/engine/jobs/fetch.ts';
import type { EngineOptions } from '../../src/engine/options.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { WorkerBeat } from '../../src/storage/storage.ts';
import { newId } from './ids.ts';

export interface Bench extends AsyncDisposable {
  readonly engine: Engine;
  readonly clock: ManualClock;
  /** Enqueues one job and answers its id. */
  push(patch?: Partial<NewJob> & { readonly retry?: JobPolicy['retry'] }): Promise<string>;
  fetch(patch?: Partial<FetchRequest>, signal?: AbortSignal): Promise<readonly JobRecord[]>;
  /** Enqueues a job and claims it for `worker`. */
  start(worker?: string | null, patch?: Parameters<Bench['push']>[0]): Promise<JobRecord>;
  beat(worker: string, holds?: readonly string[] | null): Promise<void>;
  get(id: string): Promise<JobRecord>;
}

export type BenchOptions = Partial<Omit<EngineOptions, 'clock'>> & { readonly clock?: ManualClock };

/** An engine without timers, at a time that only the test moves. */
export async function bench(url: string, options: BenchOptions = {}): Promise<Bench> {
  const { clock = manualClock() } = options;
  const storage = options.storage ?? (await openStorage(url));
  const engine = await Engine.start({ random: () => 0.5, upkeep: 'manual', ...options, clock, storage });

  async function push(patch: Parameters<Bench['push']>[0] = {}): Promise<string> {
    const { retry, ...fields } = patch;
    const job = newJob(clock.now(), { ...fields, ...(retry && { policy: JSON.stringify({ retry }) }) });
    await engine.jobs.push([{ job, onConflict: null }]);
    return job.id;
  }
  function fetch(patch: Partial<FetchRequest> = {}, signal?: AbortSignal): Promise<readonly JobRecord[]> {
    return engine.protocol.fetch(
      { queues: ['q'], count: 1, worker: null, leaseMs: null, request: null, waitMs: 0, ...patch },
      signal,
    );
  }
  return {
    engine,
    clock,
    push,
    fetch,
    async start(worker = 'w1', patch = {}) {
      const queue = `only-${newId()}`;
      await push({ queue, ...patch });
      const [job] = await fetch({ queues: [patch.queue ?? queue], worker });
      if (!job) throw new Error('The fetch got no job.');
      return job;
    },
    async beat(worker, holds = null) {
      const beat: WorkerBeat = {
        worker,
        holds: holds?.map((id) => ({ id, claim: null })) ?? null,
        leaseMs: null,
        state: 'running',
        info: '{}',
      };
      await engine.protocol.beat(beat);
    },
    async get(id) {
      const job = await engine.jobs.get(id);
      if (!job) throw new Error(`Job ${id} is missing.`);
      return job;
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

export function newJob(now: number, patch: Partial<NewJob> = {}): NewJob {
  const { id = newId(), type = 'a.b', queue = 'q' } = patch;
  return {
    id,
    type,
    queue,
    state: State.available,
    priority: 0,
    runAt: now,
    expiresAt: null,
    cron: null,
    timeoutMs: 1_800_000,
    visibilityMs: null,
    laterExpiresAt: patch.expiresAt ?? null,
    deadlineAt: null,
    heartbeatMs: 60_000,
    node: null,
    unique: null,
    limits: [],
    trace: null,
    createdAt: now,
    envelope: `{"specversion":"1.0","id":"${id}","type":"${type}","queue":"${queue}","args":[]}`,
    policy: null,
    ...patch,
  };
}

/** Lets everything that is ready run, without waiting for time. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** A push without a unique policy. */
export function items(jobs: readonly NewJob[]): readonly PushItem[] {
  return jobs.map((job) => ({ job, onConflict: null }));
}
