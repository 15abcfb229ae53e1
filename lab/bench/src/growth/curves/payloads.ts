import { uuidv7 } from '@ojs-ts/core';
import type { Curve } from '../curve.ts';
import { ask, callers, post } from '../http.ts';

const megabytes = 8;

/** What a MB of arguments costs does not depend on the jobs that it is in: sizes are of arguments, in kB. */
export const curve: Curve = {
  name: 'payloads',
  of: 'kB of arguments',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [50, 800], big: [10, 100, 900] },
  bounds: ['enqueue a MB', 'fetch a MB', 'ack a MB of results', 'GET jobs with a MB'].map((what) => {
    return { what, kind: 'growth', bound: 1.2 } as const;
  }),
  async measure(bench, size) {
    const { url } = await bench.serve();
    const count = Math.ceil((megabytes * 1_000) / size);
    const round = async (measure: (what: string, work: () => Promise<unknown>) => Promise<unknown>) => {
      const objects = objectsOf(size);
      const ids: string[] = [];
      const job = () => ({ type: 'bench.email', args: [objects, uuidv7()], options: { queue: 'bench' } });
      await measure('enqueue a MB', () => callers(4, count, () => post(url, '/jobs', job())));
      await measure('fetch a MB', () =>
        callers(1, count, async () => {
          const body = { queues: ['bench'], count: 1, worker_id: 'bench' };
          const { jobs } = JSON.parse(await post(url, '/workers/fetch', body));
          ids.push(...jobs.map(({ id }: { readonly id: string }) => id));
        }),
      );
      await measure('ack a MB of results', () =>
        callers(4, count, (n) => post(url, '/workers/ack', { job_id: ids[n], worker_id: 'bench', result: objects })),
      );
      await measure('GET jobs with a MB', () => callers(4, count, (n) => ask(url, `/ojs/v1/jobs/${ids[n]}`)));
    };
    await round((_, work) => work());
    const kept = await bench.kept();
    await round((what, work) => bench.cost(what, (count * size) / 1_000, work));
    const now = await bench.kept();
    if (kept !== null && now !== null)
      bench.note('kept of a byte that was sent', { bytes: (now - kept) / (2_000 * count * size) });
  },
};

/** Members of about 60 bytes, of which no two have the same values. */
function objectsOf(kilobytes: number): readonly object[] {
  return Array.from({ length: Math.floor((kilobytes * 1_000) / 61) }, (_, n) => {
    return { n: 1e6 + n, sku: Math.random().toString(36).slice(2, 12).padEnd(10, '0'), name: `article ${1e6 + n}` };
  });
}
