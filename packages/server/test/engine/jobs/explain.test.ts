// What an explanation says of available jobs, against what a claim does next.
import type { Explanation } from '@ojs-ts/core/explain';
import type { JobId, Limit } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bench, bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { checkProperty } from '../../support/property.ts';
import { storages } from '../../support/storages.ts';

const second = 1_000;

interface Step {
  readonly kind: 'push' | 'start' | 'end' | 'pause' | 'resume' | 'limit' | 'override' | 'restore' | 'wait';
  readonly queue: 0 | 1;
  readonly keys: readonly (0 | 1)[];
  readonly priority: number;
  readonly concurrency: number | null;
  readonly rate: { readonly count: number; readonly perMs: number } | null;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('push', 'start') },
    { weight: 4, arbitrary: fc.constantFrom('end', 'pause', 'resume', 'limit', 'override', 'restore', 'wait') },
  ),
  queue: fc.constantFrom(0, 1),
  keys: fc.subarray([0, 1] as const),
  priority: fc.integer({ min: 0, max: 2 }),
  concurrency: fc.option(fc.integer({ min: 0, max: 3 })),
  rate: fc.option(
    fc.record({ count: fc.integer({ min: 1, max: 3 }), perMs: fc.constantFrom(second, 5 * second, 60 * second) }),
  ),
});

/** Names of a run's own: a storage serves many runs. */
interface Names {
  readonly queues: readonly [string, string];
  readonly keys: readonly [string, string];
}

function newNames(): Names {
  const id = newId();
  return { queues: [`a-${id}`, `b-${id}`], keys: [`k0-${id}`, `k1-${id}`] };
}

/** The available jobs of a run by their queues, and its active jobs. */
interface Jobs {
  readonly waiting: Map<JobId, string>;
  readonly active: Set<JobId>;
}

async function act(b: Bench, names: Names, step: Step, jobs: Jobs): Promise<void> {
  const { kind, priority, concurrency, rate } = step;
  const queue = names.queues[step.queue];
  const [first] = step.keys;
  const key = names.keys[first ?? 0];
  const numbers = { concurrency, rates: rate === null ? [] : [rate] };
  const { storage, queueSettings, limitOverrides } = b.engine;
  switch (kind) {
    case 'push': {
      // A job names a concurrency of at least 1.
      const own = { ...numbers, concurrency: concurrency || null };
      const limits = step.keys.map((one): Limit => ({ key: names.keys[one], ...own }));
      jobs.waiting.set(await b.push({ queue, priority, limits }), queue);
      return;
    }
    case 'start':
      return started(await b.fetch({ queues: [queue], worker: 'w' }), jobs);
    case 'end': {
      const [id] = jobs.active;
      if (id === undefined) return;
      jobs.active.delete(id);
      await b.engine.lifecycle.cancel(id, null);
      return;
    }
    case 'pause':
    case 'resume':
      await storage.registry.pauseQueue(queue, kind === 'pause', b.clock.now());
      return;
    case 'limit':
      await queueSettings.configure(queue, { concurrency, rate });
      return;
    case 'override':
      await limitOverrides.set(key, numbers, null);
      return;
    case 'restore':
      if ((await storage.registry.limit(key)) !== null) await limitOverrides.restore(key);
      return;
    case 'wait':
      b.clock.advance(second);
  }
}

function started(fetched: readonly { readonly id: JobId }[], { waiting, active }: Jobs): void {
  for (const { id } of fetched) {
    waiting.delete(id);
    active.add(id);
  }
}

interface Explained extends Explanation {
  readonly id: JobId;
  readonly queue: string;
}

async function explainAll(b: Bench, { waiting }: Jobs): Promise<readonly Explained[]> {
  return Promise.all([...waiting].map(async ([id, queue]) => ({ ...(await b.engine.explainer.job(id)), id, queue })));
}

function isHeld({ reasons }: Explanation): boolean {
  return reasons.some(({ code }) => code !== 'ready' && code !== 'jobs_before');
}

const before = ({ reasons }: Explanation) => reasons.find(({ code }) => code === 'jobs_before')?.before ?? 0;

async function check(b: Bench, names: Names, steps: readonly Step[]): Promise<void> {
  const jobs: Jobs = { waiting: new Map(), active: new Set() };
  for (const step of steps) await act(b, names, step, jobs);
  for (const queue of names.queues) {
    const info = JSON.stringify({ queues: [queue], concurrency: 1 });
    await b.engine.protocol.beat({ worker: `of ${queue}`, holds: [], leaseMs: null, state: 'running', info });
  }
  for (let queues = [...names.queues]; queues.length > 0; ) {
    const [queue = ''] = queues;
    const explained = await explainAll(b, jobs);
    const here = explained.filter((one) => one.queue === queue);
    const free = here.filter((one) => !isHeld(one)).toSorted((x, y) => before(x) - before(y));
    const fetched = await b.fetch({ queues: [queue], worker: 'w' });
    expect({ here, next: ids(fetched) }).toEqual({ here, next: ids(free.slice(0, 1)) });
    started(fetched, jobs);
    if (fetched.length === 0) queues = queues.slice(1);
    if (queues.length === 0) await whenOpen(b, explained);
  }
}

function ids(jobs: readonly { readonly id: JobId }[]): readonly JobId[] {
  return jobs.map(({ id }) => id);
}

/** No job may start now: the first that has a time may start then, and not a millisecond before. */
async function whenOpen(b: Bench, explained: readonly Explained[]): Promise<void> {
  const [first] = explained.filter(({ next }) => next !== null).toSorted((x, y) => (x.next ?? 0) - (y.next ?? 0));
  if (first?.next == null) return;
  const due = explained.filter(({ next, queue }) => next === first.next && queue === first.queue);
  b.clock.advance(first.next - b.clock.now() - 1);
  expect(await b.fetch({ queues: [first.queue], worker: 'w' })).toEqual([]);
  b.clock.advance(1);
  const [job] = await b.fetch({ queues: [first.queue], worker: 'w' });
  expect(ids(due)).toContain(job?.id);
}

test.each(storages)(
  'a claim takes the job of which an explanation says so, and at the time that it says, $name',
  async ({ name, url }) => {
    await using b = await bench(url());
    const isHere = name === 'memory' || name === 'sqlite';
    await checkProperty(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), (steps) => check(b, newNames(), steps)),
      { atLeast: isHere ? 30 : 5, atMost: 200, ms: 3_000 },
    );
  },
);
