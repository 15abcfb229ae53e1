import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { Waiters } from '../../../src/engine/jobs/waiters.ts';
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
});

describe('Waiters', () => {
  test('a wake-up between registration and wait is not missed, and counts once', async () => {
    const waiters = new Waiters();
    using waiter = waiters.add(['a', 'b', 'a']);
    waiters.wake('b');
    waiters.wake('a');
    expect(await waiter.wait(60_000)).toBe(true);
    expect(await waiter.wait(1)).toBe(false);
  });

  test('a wake-up without a queue wakes all, one of another queue nobody, and a closed waiter is removed', async () => {
    const waiters = new Waiters();
    const [a, b] = [waiters.add(['a']), waiters.add(['b'])];
    waiters.wake('c');
    expect(await a.wait(1)).toBe(false);
    const both = [a.wait(60_000), b.wait(60_000)];
    waiters.wake(null);
    expect(await Promise.all(both)).toEqual([true, true]);
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    expect(waiters.size).toBe(0);
  });

  test('an aborted signal ends the wait at once', async () => {
    using waiter = new Waiters().add(['a']);
    expect(await waiter.wait(60_000, AbortSignal.abort())).toBe(false);
  });
});
