import { uuidv7 } from '@ojs-ts/core';
import type { Limit } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import type { Storage } from '@ojs-ts/server';
import { newJob } from '../../new-job.ts';
import type { Curve } from '../curve.ts';

const count = 6_000;
const batch = 100;
const hourMs = 3_600_000;

/** Neighbouring jobs have different keys, as customers have. */
const kinds: Readonly<Record<string, Omit<Limit, 'key'> | null>> = {
  plain: null,
  'an open limit': { concurrency: 1_000, rates: [] },
  'concurrency 1': { concurrency: 1, rates: [] },
  'a rate': { concurrency: null, rates: [{ count: 1_000, perMs: 1_000 }] },
};

/** What limits cost a job does not depend on how many keys there are, or how they interleave. */
export const curve: Curve = {
  name: 'limits',
  of: 'keys',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [100, 10_000], big: [100, 10_000, 100_000] },
  bounds: [
    { what: 'an open limit', kind: { beside: 'plain' }, bound: 2.5 },
    { what: 'an open limit', kind: 'growth', bound: 1.5 },
    { what: 'a page of limits', kind: 'value', bound: 15, unit: 'ms' },
  ],
  async measure(bench, size) {
    const storage = await bench.storage();
    const run = async (kind: string, jobs: number) => {
      await insert(storage, kind, size, jobs);
      await drain(storage, kind, jobs);
    };
    for (const kind of Object.keys(kinds)) await run(kind, 1_000);
    for (const kind of Object.keys(kinds)) await bench.cost(kind, count, () => run(kind, count));
    for (let key = 2 * count; key < size; key += 1_000) await run('an open limit', 1_000);
    await storage.registry.limits({ limit: 20 });
    const from = performance.now();
    for (let call = 0; call < 10; call++) await storage.registry.limits({ limit: 20 });
    bench.note('a page of limits', { ms: (performance.now() - from) / 10 });
  },
};

let made = 0;

async function insert(storage: Storage, kind: string, keys: number, jobs: number): Promise<void> {
  const numbers = kinds[kind] ?? null;
  for (const to = made + jobs; made < to; ) {
    const now = Date.now();
    const group = Array.from({ length: Math.min(500, to - made) }, () => {
      const n = made++;
      const limits = numbers === null ? {} : { limits: [{ key: `${kind} ${n % keys}`, ...numbers }] };
      return newJob(n, now, { queue: kind, ...limits });
    });
    await storage.jobs.insert([group], now);
    await storage.upkeep.promote(now, 100);
  }
}

/** A claim that gets nothing at first, as upkeep is behind, is repeated. */
async function drain(storage: Storage, kind: string, jobs: number): Promise<void> {
  const claim = { queues: [kind], limit: batch, worker: 'bench', leaseMs: null, defaultLeaseMs: hourMs };
  for (let done = 0, calls = 0; done < jobs; calls++) {
    if (calls > jobs) throw new Error(`only ${done} of ${jobs} jobs could be claimed`);
    const now = Date.now();
    const [claimed] = await storage.jobs.claim([{ ...claim, request: uuidv7(), leaseRequired: true }], now);
    const ends = (claimed?.jobs ?? []).map(({ id, claim }) => completed({ id, claim, worker: 'bench', result: '1' }));
    if (ends.length > 0) await storage.jobs.transition(ends, Date.now());
    done += ends.length;
  }
}
