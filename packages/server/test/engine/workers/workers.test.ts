import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { healthOf } from '../../../src/engine/workers/workers.ts';
import { type Bench, bench, settled } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const minute = 60_000;

async function names(b: Bench): Promise<readonly string[]> {
  return (await b.engine.workers.list()).map(({ worker }) => worker);
}

describe.each(storages)('workers that are known, $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('a worker that only fetches is known by its fetches, whether it gets a job or not', async (b) => {
    await b.fetch({ worker: 'idle', queues: ['a', 'b'], count: 4 });
    const since = b.clock.now();
    expect(await b.engine.workers.find('idle')).toEqual({
      worker: 'idle',
      state: 'running',
      directive: null,
      beatAt: null,
      fetchedAt: since,
      holds: null,
      info: '{"queues":["a","b"],"concurrency":4}',
    });
    const job = await b.start('busy');
    expect(await names(b)).toEqual(['busy', 'idle']);
    expect([...(await b.engine.workers.activeJobs())]).toEqual([['busy', 1]]);
    b.clock.advance(2 * minute);
    await b.fetch({ worker: 'idle' });
    expect(await b.engine.workers.find('idle')).toMatchObject({ fetchedAt: since + 2 * minute });
    expect(await b.engine.workers.find('nobody')).toBeNull();
    expect(job.worker).toBe('busy');
  });

  it('a worker known only by its fetches is never dead and loses no job, however long it is silent', async (b) => {
    const job = await b.start('w1');
    b.clock.advance(29 * minute);
    await b.engine.upkeep.run();
    expect(await b.get(job.id)).toMatchObject({ state: State.active, worker: 'w1', claim: job.claim });
    expect(await names(b)).toEqual(['w1']);
  });

  it('with its first heartbeat the liveness rules hold for it', async (b) => {
    const job = await b.start('w1');
    await b.beat('w1', [job.id]);
    expect(await b.engine.workers.find('w1')).toMatchObject({ beatAt: b.clock.now(), fetchedAt: null });
    expect(await names(b)).toEqual(['w1']);
    b.clock.advance(30_000);
    await b.engine.upkeep.run();
    expect((await b.get(job.id)).state).toBe(State.available);
    expect(await names(b)).toEqual([]);
  });

  test.each([
    ['that only fetched', false],
    ['with heartbeats', true],
  ])('a worker %s that is deregistered gives back its jobs at once, uncounted, and no other', async (_, beats) => {
    await using b = await bench(url());
    const [first, second, other] = [await b.start('w1'), await b.start('w1'), await b.start('w2')];
    if (beats) await b.beat('w1', [first.id, second.id]);
    expect(await b.engine.protocol.deregister('w1')).toBe(true);
    for (const { id } of [first, second]) {
      const job = await b.get(id);
      expect(job).toMatchObject({ state: State.available, attempt: 0, worker: null });
      expect(job.history).toContain('deregistered');
    }
    expect((await b.get(other.id)).state).toBe(State.active);
    expect(await names(b)).toEqual(['w2']);
    expect(await b.engine.protocol.deregister('w1')).toBe(false);
    // What it still does of the old claim is refused.
    expect(
      (await b.engine.protocol.settle({ kind: 'ack', id: first.id, claim: first.claim, worker: 'w1', result: null }))
        .kind,
    ).toBe('conflict');
  });

  it('a worker is not dead because the servers were away: removed then, it gives its jobs back uncounted', async (b) => {
    const job = await b.start('w1');
    await b.beat('w1', [job.id]);
    b.clock.advance(40_000);
    const restarted = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    const worker = await restarted.workers.find('w1');
    const health = () =>
      worker && healthOf(worker, b.clock.now(), restarted.upkeep.since, restarted.settings.deadAfterMs);
    expect(health()).toBe('ok');
    await restarted.protocol.deregister('w1');
    expect((await b.get(job.id)).history).toContain('deregistered');
    b.clock.advance(30_000);
    expect(health()).toBe('unhealthy');
  });

  it('the death of a worker counts against the job that it held, also where somebody deregisters the worker before the upkeep sees it', async (b) => {
    const job = await b.start('w1');
    await b.beat('w1', [job.id]);
    b.clock.advance(b.engine.settings.deadAfterMs);
    expect(await b.engine.protocol.deregister('w1')).toBe(true);
    const after = await b.get(job.id);
    expect(after).toMatchObject({ state: State.available, worker: null });
    expect(after.history).toContain('worker_death');
  });

  it('the last heartbeat of a worker gives back at once, uncounted, what a broken fetch claimed in its name', async (b) => {
    const end = { worker: 'w1', holds: [], leaseMs: null, state: 'terminate', info: '{}' } as const;
    const lost = await b.start('w1');
    const other = await b.start('w2');
    await b.beat('w1', []);
    // Its connection is closed, and the server has not noticed yet.
    const waiting = b.fetch({ worker: 'w1', queues: ['late'], waitMs: 60_000, request: 'r1', leases: true });
    await settled();
    await b.engine.protocol.beat({ ...end, openFetches: ['r1'] });
    expect((await b.get(lost.id)).state).toBe(State.active);
    await b.engine.protocol.beat(end);
    expect(await b.get(lost.id)).toMatchObject({ state: State.available, attempt: 0, worker: null });
    expect((await b.get(other.id)).state).toBe(State.active);
    expect(await waiting).toEqual([]);
    const late = await b.push({ queue: 'late' });
    await settled();
    expect((await b.get(late)).state).toBe(State.available);
  });

  it('more jobs than one page are given back', async (b) => {
    const ids: string[] = [];
    for (let index = 0; index < 450; index++) ids.push(await b.push());
    for (let turn = 0; turn < 9; turn++) await b.fetch({ worker: turn % 2 === 0 ? 'w1' : 'w2', count: 50 });
    await b.engine.protocol.deregister('w1');
    const jobs = await b.engine.storage.jobs.get(ids);
    expect(jobs.filter((job) => job?.state === State.available)).toHaveLength(250);
    expect(jobs.filter((job) => job?.worker === 'w2')).toHaveLength(200);
  });

  it('a worker with a job is known without a fetch on record', async (b) => {
    const job = await b.start('w1');
    await b.engine.workers.remove('w1');
    expect(await b.engine.protocol.deregister('w1')).toBe(true);
    expect((await b.get(job.id)).state).toBe(State.available);
  });

  it('after an hour without a fetch it is forgotten, unless it holds a job', async (b) => {
    const job = await b.start('busy', { timeoutMs: 300 * minute, visibilityMs: 300 * minute });
    await b.fetch({ worker: 'gone' });
    b.clock.advance(59 * minute);
    await b.fetch({ worker: 'late' });
    await b.engine.workers.forgetIdle();
    expect(await names(b)).toEqual(['busy', 'gone', 'late']);
    b.clock.advance(minute);
    await b.engine.upkeep.run();
    expect(await names(b)).toEqual(['busy', 'late']);
    await b.engine.protocol.settle({ kind: 'ack', id: job.id, claim: job.claim, worker: null, result: null });
    await b.engine.workers.forgetIdle();
    expect(await names(b)).toEqual(['late']);
  });

  it('a worker starts once, on whichever server, and stops with its deregistration', async (b) => {
    await using other = await bench(url(), { storage: { ...b.engine.storage, [Symbol.asyncDispose]: async () => {} } });
    await b.fetch({ worker: 'w1' });
    await other.fetch({ worker: 'w1' });
    await other.engine.protocol.deregister('w1');
    const { batches } = await b.engine.storage.events(0, 99);
    const kinds = batches.flatMap(({ entries }) =>
      (JSON.parse(entries) as readonly (readonly [string])[]).map(([kind]) => kind),
    );
    expect(kinds).toEqual(['worker.started', 'worker.stopped']);
  });

  test('without events it is known as well', async () => {
    await using b = await bench(url(), { events: false });
    await b.fetch({ worker: 'w1' });
    expect(await names(b)).toEqual(['w1']);
    expect(await b.engine.protocol.deregister('w1')).toBe(true);
    await b.fetch({ worker: 'w1' });
    expect(await names(b)).toEqual(['w1']);
  });
});
