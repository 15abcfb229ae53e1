import { isObject, type ManualClock, manualClock } from '@ojs-ts/core';
import type { JobHandle, JobOptions, Worker, WorkerOptions } from '../../../src/index.ts';
import { type Bench, openBench } from '../../support/bench.ts';

/** A real engine with one job on it. */
export interface Stage extends Bench {
  readonly job: JobHandle;
  /** A worker that suspends soon. */
  quick(options?: WorkerOptions): Worker;
  /** Resolves when the server has taken so many suspensions. */
  suspended(count: number): Promise<void>;
  /** Moves the time, and starts what is due. */
  advance(ms: number): Promise<void>;
}

export const storages = ['memory:', 'sqlite:'] as const;

/** An engine whose time stands still, unless `advance` moves it. */
export function openStill(storage: string): Promise<Stage> {
  return openStage(storage, {}, manualClock(Date.now()));
}

/** @param clock Default: real time. */
export async function openStage(storage: string, options: JobOptions = {}, clock?: ManualClock): Promise<Stage> {
  const bench = await openBench(clock === undefined ? {} : { clock }, storage);
  const job = await bench.client.enqueue('test.job', [], {
    retry: { maxAttempts: 3, initialInterval: 1, jitter: false },
    ...options,
  });
  return {
    ...bench,
    job,
    quick: (options) => bench.worker({ suspendAfter: 1, heartbeatInterval: 20, ...options }),
    suspended: (count) => bench.wire.until(() => suspensionsIn(bench) >= count),
    async advance(ms) {
      clock?.advance(ms);
      await bench.embedded.engine.upkeep.promote();
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** The suspensions that the server has answered. */
function suspensionsIn({ wire }: Bench): number {
  const answered = wire.answers.filter(({ call }) => call.operation === 'worker.exchange');
  const nacks = answered.flatMap(({ call }): unknown[] => JSON.parse(call.body ?? '{}').nacks ?? []);
  return nacks.filter((nack) => isObject(nack) && ('waits' in nack || 'failed_steps' in nack)).length;
}
