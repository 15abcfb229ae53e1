import { State } from '@ojs-ts/core/job';
import { describe, expect, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { FetchLines } from '../../../src/engine/jobs/fetch-lines.ts';
import { bench, items, newJob, settled } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('long poll, $name', ({ url }) => {
  const waitMs = 60_000;
  const it = testWith(() => bench(url()));

  it('is woken by an insert, and only once served', async (b) => {
    const [first, second] = [b.fetch({ waitMs }), b.fetch({ waitMs })];
    await settled();
    const id = await b.push();
    const served = await Promise.race([first, second]);
    expect(served).toMatchObject([{ id, attempt: 1 }]);
    const other = await b.push();
    expect(
      (await Promise.all([first, second]))
        .flat()
        .map((job) => job.id)
        .toSorted(),
    ).toEqual([id, other].toSorted());
  });

  it('is woken by a promotion, a requeue, a cleared pause, and a retry from the dead letter', async (b) => {
    const later = await b.push({ state: State.scheduled, runAt: b.clock.now() + 5_000 });
    const promoted = b.fetch({ waitMs });
    await settled();
    b.clock.advance(5_000);
    await b.engine.upkeep.run();
    const [job] = await promoted;
    expect(job?.id).toBe(later);

    const requeued = b.fetch({ waitMs });
    await settled();
    await b.engine.protocol.settle({
      id: later,
      claim: job?.claim ?? 0,
      worker: null,
      kind: 'requeue',
      reason: 'x',
      delayMs: 0,
    });
    expect(await requeued).toMatchObject([{ id: later, attempt: 1, claim: 2 }]);

    await b.engine.storage.registry.pauseQueue('q', true, b.clock.now());
    const id = await b.push();
    const paused = b.fetch({ waitMs });
    await settled();
    await b.engine.storage.registry.pauseQueue('q', false, b.clock.now());
    expect(await paused).toMatchObject([{ id }]);

    const dead = await b.start('w1', { retry: { maxAttempts: 1, onExhaustion: 'dead_letter' }, queue: 'd' });
    await b.engine.protocol.settle({
      id: dead.id,
      claim: dead.claim,
      worker: null,
      kind: 'fail',
      failure: { code: 'x', type: 'x', message: 'm', names: [] },
    });
    const retried = b.fetch({ queues: ['d'], waitMs });
    await settled();
    await b.engine.lifecycle.retry(dead.id, null);
    expect(await retried).toMatchObject([{ id: dead.id, attempt: 1 }]);
  });

  it('ends empty when its caller disconnects, and claims nothing afterwards', async (b) => {
    const caller = new AbortController();
    const left = b.fetch({ waitMs }, caller.signal);
    await settled();
    caller.abort();
    expect(await left).toEqual([]);
    const id = await b.push();
    expect((await b.get(id)).state).toBe(State.available);
  });

  it('ends empty when the engine drains, and later ones do not wait', async (b) => {
    const waiting = [b.fetch({ waitMs }), b.fetch({ waitMs, queues: ['other', 'q'] })];
    await settled();
    b.engine.drain();
    expect(await Promise.all(waiting)).toEqual([[], []]);
    expect(await b.fetch({ waitMs })).toEqual([]);
    const id = await b.push();
    expect(await b.fetch({ waitMs })).toMatchObject([{ id }]);
  });

  it('a quiet worker gets nothing new, but the claims of a fetch that it repeats', async (b) => {
    await b.push();
    const first = await b.fetch({ request: 'r1', worker: 'w1' });
    expect(first).toHaveLength(1);
    await b.push();
    await b.engine.protocol.beat({ worker: 'w1', holds: [], leaseMs: null, state: 'quiet', info: '{}' });
    expect(await b.fetch({ worker: 'w1' })).toEqual([]);
    expect(await b.fetch({ request: 'r2', worker: 'w1' })).toEqual([]);
    expect(await b.fetch({ request: 'r1', worker: 'w1' })).toEqual(first);
  });

  it('a worker whose quiet ended at another node gets jobs from the first one after 6 s', async (b) => {
    const other = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    const beat = { worker: 'w1', holds: [], leaseMs: null, info: '{}' };
    await b.push();
    await b.engine.protocol.beat({ ...beat, state: 'quiet' });
    await other.protocol.beat({ ...beat, state: 'running' });
    b.clock.advance(5_999);
    expect(await b.fetch({ worker: 'w1' })).toEqual([]);
    b.clock.advance(1);
    expect(await b.fetch({ worker: 'w1' })).toHaveLength(1);
  });

  it('many waiters and many jobs: each job is claimed once', async (b) => {
    const fetches = Array.from({ length: 50 }, () => b.fetch({ waitMs, count: 2 }));
    await settled();
    await b.engine.jobs.push(items(Array.from({ length: 100 }, () => newJob(b.clock.now()))));
    const ids = (await Promise.all(fetches)).flat().map((job) => job.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('one job costs a claim and two looks for more, with 500 waiters as with ten', async (b) => {
    const caller = new AbortController();
    const fetches = Array.from({ length: 500 }, () => b.fetch({ waitMs }, caller.signal));
    await settled();
    const claim = vi.spyOn(b.engine.storage.jobs, 'claim');
    await b.push();
    expect(await Promise.race(fetches)).toHaveLength(1);
    await settled();
    expect(claim.mock.calls.reduce((sum, [claims]) => sum + claims.length, 0)).toBeLessThanOrEqual(4);
    caller.abort();
    expect((await Promise.all(fetches)).flat()).toHaveLength(1);
  });
});

describe('a line of waiting fetches', () => {
  const join = (lines: FetchLines, count: number, queues = ['q']) =>
    Array.from({ length: count }, () => lines.join(queues, null));
  const hour = 3_600_000;

  test('a wake-up between joining and waiting is not missed, and counts once', async () => {
    const lines = new FetchLines();
    using place = lines.join(['a', 'b', 'a'], null);
    lines.wake('b');
    lines.wake('a');
    expect(await place.wait(hour, hour)).toBe(true);
    expect(await place.wait(1, 1)).toBe(false);
  });

  test('a wake-up wakes the first of each line that names the queue, and none of another', async () => {
    const lines = new FetchLines();
    const [first, second] = join(lines, 2);
    const [both] = join(lines, 1, ['p', 'q']);
    const waits = [first?.wait(hour, hour), second?.wait(1, 1), both?.wait(hour, hour)];
    lines.wake('other');
    lines.wake('q');
    expect(await Promise.all(waits)).toEqual([true, false, true]);
  });

  test('who is served wakes two others, who is not wakes none', async () => {
    const lines = new FetchLines();
    const [first, ...others] = join(lines, 5);
    const waits = others.map((place) => place.wait(1, 1));
    first?.served();
    first?.[Symbol.dispose]();
    expect(await Promise.all(waits)).toEqual([true, true, false, false]);
    const [a, b] = others;
    const last = b?.wait(1, 1);
    a?.[Symbol.dispose]();
    expect(await last).toBe(false);
  });

  test('who leaves with a wake-up gives it to the next, who may be claiming', async () => {
    const lines = new FetchLines();
    const [first, second] = join(lines, 2);
    lines.wake('q');
    first?.[Symbol.dispose]();
    expect(second?.isWoken).toBe(true);
  });

  test('only the last that asked claims by time, and leaves that to another', async () => {
    const lines = new FetchLines();
    const [first, second] = join(lines, 2);
    first?.asks();
    second?.asks();
    expect(await Promise.all([first?.wait(1, 2), second?.wait(1, hour)])).toEqual([false, true]);
    const next = first?.wait(hour, hour);
    second?.[Symbol.dispose]();
    expect(await next).toBe(true);
  });

  test('who may not start jobs lets those behind look, once each', async () => {
    const lines = new FetchLines();
    const [first, second, third] = join(lines, 3);
    const waits = [first?.wait(1, 1), third?.wait(1, 1)];
    second?.passOn();
    third?.passOn();
    expect(await Promise.all(waits)).toEqual([false, true]);
  });

  test('a wake-up without a queue reaches every line, and an empty line is forgotten', async () => {
    const lines = new FetchLines();
    const places = [...join(lines, 1, ['a']), ...join(lines, 1, ['b'])];
    const waits = places.map((place) => place.wait(hour, hour));
    lines.wake(null);
    expect(await Promise.all(waits)).toEqual([true, true]);
    for (const place of places) place[Symbol.dispose]();
    using again = lines.join(['a'], null);
    lines.wake('a');
    expect(again.isWoken).toBe(true);
  });

  test('an aborted signal ends the wait at once', async () => {
    using place = new FetchLines().join(['a'], null);
    expect(await place.wait(hour, hour, AbortSignal.abort())).toBe(false);
  });

  test('more than a hundred lines poll less often, at most every 30 s', () => {
    const lines = new FetchLines();
    for (let index = 0; index < 100; index++) lines.join([`q${index}`], null);
    expect(lines.pollMs).toBe(1_000);
    for (let index = 100; index < 2_000; index++) lines.join([`q${index}`], null);
    expect(lines.pollMs).toBe(20_000);
    for (let index = 2_000; index < 5_000; index++) lines.join([`q${index}`], null);
    expect(lines.pollMs).toBe(30_000);
  });
});
