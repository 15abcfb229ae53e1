import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { oursOf, runChild } from '../../child.ts';
import type { Curve } from '../curve.ts';
import { ask, callers, post } from '../http.ts';

const seconds = 5;
/** What the pages of a dashboard ask again each second. */
const pages = ['/ojs/v1/admin/stats', '/ojs/v1/admin/queues', '/ojs/v1/admin/errors'];
const others = ['nobody watches', 'subscribers watch', 'subscribers and dashboards watch'] as const;

/** Jobs do not wait for those who watch them: subscribers to all events, and half as many open dashboards. */
export const curve: Curve = {
  name: 'subscribers',
  of: 'subscribers',
  storages: ['sqlite', 'redis'],
  sizes: { small: [2, 100], big: [2, 1_000] },
  bounds: [
    { what: 'jobs that were kept up with', kind: 'value', bound: 1, unit: 'share', least: true },
    { what: 'wait of a job, p99', kind: 'value', bound: 100, unit: 'ms' },
    { what: 'an event for a subscriber', kind: 'value', bound: 10 },
  ],
  async measure(bench, size) {
    const rate = size < 1_000 ? 100 : 600;
    const { url, pid } = await bench.serve();
    await callers(8, 400, () => post(url, '/jobs', { type: 'warm', args: [], options: { queue: 'warm' } }));
    const over = new AbortController();
    const task = { scenario: { name: 'paced', rate, seconds }, jobs: 0, target: { url, pid } } as const;
    const work = async (who: (typeof others)[number]) => {
      const done = Promise.withResolvers<Awaited<ReturnType<typeof runChild>>>();
      await bench.cost(`a job, ${who}`, rate * seconds, async () => done.resolve(await runChild(oursOf(), task)));
      const outcome = await done.promise;
      if (outcome.kind !== 'paced') throw new Error('a steady load has a latency');
      return { outcome, us: (bench.costs[`a job, ${who}`]?.µs ?? Number.NaN) * rate * seconds };
    };
    await runChild(oursOf(), task);
    const alone = await work('nobody watches');
    const events = { count: 0 };
    await Promise.all(Array.from({ length: size }, () => subscribe(url, events, over.signal)));
    const before = events.count;
    const watched = await work('subscribers watch');
    bench.note('an event for a subscriber', {
      µs: (watched.us - alone.us) / Math.max(1, events.count - before),
    });
    const dashboards = Array.from({ length: size / 2 }, () => watch(url, over.signal));
    const { outcome } = await work('subscribers and dashboards watch');
    over.abort();
    await Promise.all(dashboards);
    bench.note('jobs that were kept up with', { share: outcome.behind === null ? 1 : 0 });
    bench.note('wait of a job, p99', { ms: outcome.p99 });
  },
};

/** Reads the stream of all events; resolves when the server has answered. */
function subscribe(url: string, events: { count: number }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/ojs/v1/events/stream?channel=all`, { agent: false, signal }, (response) => {
      response.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf('event: '); at >= 0; at = chunk.indexOf('event: ', at + 7)) events.count++;
      });
      response.on('error', () => {});
      resolve();
    });
    request.on('error', reject);
  });
}

async function watch(url: string, signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await pause(1_000)) for (const page of pages) await ask(url, page);
}
