import { setTimeout as pause } from 'node:timers/promises';
import type { Curve } from '../curve.ts';
import { fetchJobs, push, settle } from '../embedded.ts';

const queue = 'bench';
const seconds = 4;
const jobs = 30;

/** Fetches that wait cost nothing, and a job wakes one of them. */
export const curve: Curve = {
  name: 'workers',
  of: 'waiting workers',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [10, 500], big: [10, 2_000] },
  bounds: [
    { what: 'one job', kind: 'growth', bound: 3 },
    { what: 'one job', kind: 'growth', bound: 3, unit: 'commands', on: ['redis'] },
    // 2,000 of them take a hundredth of a core and of the store, above what the engine takes without them.
    { what: 'a second of a waiting worker', kind: 'value', bound: 10 },
  ],
  async measure(bench, size) {
    const engine = await bench.engine();
    const jobDone = { next: Promise.withResolvers<void>() };
    const over = new AbortController();
    const work = async (worker: string) => {
      while (!over.signal.aborted) {
        const claimed = await fetchJobs(engine, { queue, count: 1, worker });
        if (claimed.length === 0) continue;
        await settle(engine, claimed, worker);
        jobDone.next.resolve();
      }
    };
    const run = async (count: number) => {
      for (let n = 0; n < count; n++) {
        jobDone.next = Promise.withResolvers();
        await push(engine, n, 1, queue);
        await jobDone.next.promise;
      }
    };
    const idle = (what: string) => bench.cost(what, seconds, () => pause(seconds * 1_000));
    const first = work('bench-0');
    await run(jobs);
    await idle('a second with one worker');
    const working = Array.from({ length: size - 1 }, (_, n) => work(`bench-${n + 1}`));
    await run(jobs);
    await pause(1_000);
    await idle('a second');
    const [one, all] = ['a second with one worker', 'a second'].map((what) => bench.costs[what]?.µs ?? Number.NaN);
    bench.note('a second of a waiting worker', { µs: ((all ?? Number.NaN) - (one ?? Number.NaN)) / size });
    await bench.cost('one job', jobs, () => run(jobs));
    over.abort();
    engine.drain();
    await Promise.all([first, ...working]);
  },
};
