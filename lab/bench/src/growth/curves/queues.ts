import { openStorage } from '@ojs-ts/server';
import { Fixture } from '../../fixture.ts';
import { blockedMs, loopDelay } from '../blocked.ts';
import type { Curve } from '../curve.ts';
import { ask, callers, post } from '../http.ts';

const calls = 160;
const statistics = ['GET /queues/NAME/stats', 'GET /admin/queues/NAME'] as const;

/** Nothing on the path of a job, and no question about one queue, reads other queues. */
export const curve: Curve = {
  name: 'queues',
  of: 'queues',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [10, 2_000], big: [10, 1_000, 10_000] },
  bounds: [
    ...['enqueue', 'batch of 100', 'claim and ack 10', 'GET /queues/NAME', ...statistics].map((what) => {
      return { what, kind: 'growth', bound: 1.2 } as const;
    }),
    // Whoever asks within a second gets the same reading.
    { what: 'GET /admin/stats, the next 20', kind: 'growth', bound: 1.2 },
    { what: 'GET /metrics holds the loop', kind: 'value', bound: 20, unit: 'ms' },
  ],
  async measure(bench, size) {
    {
      await using storage = await openStorage(bench.url);
      const fixture = await Fixture.open(storage);
      await fixture.insert(size, (n) => ({ queue: `q-${n}` }));
    }
    const server = await bench.serve({ preload: loopDelay });
    const { url } = server;
    const queueOf = (n: number) => `q-${(n * 7_919) % size}`;
    const enqueue = (n: number) => post(url, '/jobs', jobOf(queueOf(n)));
    const batch = (n: number) =>
      post(url, '/jobs/batch', { jobs: Array.from({ length: 100 }, () => jobOf(queueOf(n % 4))) });
    const claim = async (n: number) => {
      const body = { queues: [queueOf(n % 4)], count: 10, worker_id: 'bench' };
      const { jobs } = JSON.parse(await post(url, '/workers/fetch', body));
      if (jobs.length !== 10) throw new Error(`a claim got ${jobs.length} of 10 jobs`);
      for (const { id } of jobs) await post(url, '/workers/ack', { job_id: id, worker_id: 'bench', result: null });
    };
    const get = (path: (n: number) => string) => (n: number) => ask(url, path(n));
    const operations: readonly [string, number, (n: number) => Promise<unknown>][] = [
      ['enqueue', calls, enqueue],
      ['batch of 100', calls / 8, batch],
      ['claim and ack 10', calls / 8, claim],
      ['GET /queues/NAME', calls, get((n) => `/ojs/v1/queues/${queueOf(n)}`)],
      ['GET /queues/NAME/stats', calls, get((n) => `/ojs/v1/queues/${queueOf(n)}/stats`)],
      ['GET /admin/queues/NAME', calls, get((n) => `/ojs/v1/admin/queues/${queueOf(n)}`)],
    ];
    for (const [, count, work] of operations) await callers(4, count / 4, work);
    for (const [what, count, work] of operations) await bench.cost(what, count, () => callers(8, count, work));
    await bench.cost('GET /admin/stats', 1, () => ask(url, '/ojs/v1/admin/stats'));
    await bench.cost('GET /admin/stats, the next 20', 20, () => callers(1, 20, () => ask(url, '/ojs/v1/admin/stats')));
    await ask(url, '/metrics');
    await blockedMs(server);
    await bench.cost('GET /metrics', 1, () => ask(url, '/metrics'));
    bench.note('GET /metrics holds the loop', { ms: await blockedMs(server) });
  },
};

function jobOf(queue: string) {
  return { type: 'bench.email', args: [], options: { queue } };
}
