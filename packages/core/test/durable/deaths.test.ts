import { expect, test } from 'vitest';
import { markOf, recordSteps } from '../../src/durable/index.ts';
import { atOnce, deathsOf, leaseLost, run } from '../../src/lifecycle/index.ts';
import { MemorySteps } from './memory-steps.ts';

function die(store: MemorySteps, beside: number): void {
  store.transition(leaseLost(store.current, 'worker_death', store.now, 100, { beside }));
  store.clock.advance(3_600_000);
}

function record(store: MemorySteps, name: string): void {
  const job = store.claim();
  if (job === null) throw new Error('The job cannot start.');
  const { id, claim } = job;
  atOnce(run(recordSteps(store, { id, claim, worker: 'w1' }, [{ name, kind: 'run', state: 'done', number: claim }])));
}

test.each([0, 1])('a step forgives the first ten deaths of a job, with %d other jobs on the worker', (beside) => {
  const store = new MemorySteps({ retry: { max_attempts: 100 } });
  for (let step = 0; step < 3; step++) {
    for (let death = 0; death < 4; death++) {
      if (death === 0) record(store, `step ${step}`);
      else store.claim();
      die(store, beside);
    }
  }
  record(store, 'last');
  expect(markOf(store.current)?.deaths).toBe(10);
  expect(deathsOf(store.current).all).toBe(2);
});
