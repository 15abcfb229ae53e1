import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { diagnose } from '../../src/engine/diagnosis.ts';
import { Engine } from '../../src/engine/engine.ts';
import { openStorage } from '../../src/storage/open.ts';
import { temporaryDirectory } from '../storage/sqlite/temporary.ts';
import { bench, settled } from '../support/engine.ts';
import { storages } from '../support/storages.ts';

const about = { reason: null, estimatedMs: null };
const waitMs = 60_000;

describe.each(storages)('maintenance mode, $name (ojs-admin-api §12.1)', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('no job starts by a fetch, and jobs are accepted', async (b) => {
    const before = await b.push();
    await b.engine.maintenance.begin(about);
    const during = await b.push();
    expect(await b.fetch({ count: 9 })).toEqual([]);
    expect(await b.fetch({ count: 9, worker: 'w1', request: 'r1', leases: true })).toEqual([]);
    expect((await b.get(before)).state).toBe(State.available);
    await b.engine.maintenance.end();
    expect((await b.fetch({ count: 9 })).map(({ id }) => id)).toEqual([before, during]);
  });

  it('what is due waits: scheduled and retryable jobs, and crons, by upkeep and by a reader', async (b) => {
    const cron = { name: 'tick', cron: '* * * * *', type: 'a.cron', args: [], options: { queue: 'crons' } };
    await b.engine.crons.register(JSON.stringify(cron), async () => {});
    const scheduled = await b.push({ state: State.scheduled, runAt: b.clock.now() + 1_000 });
    const failed = await b.start('w1', { retry: { jitter: false } });
    await b.engine.protocol.settle({
      id: failed.id,
      claim: failed.claim,
      worker: null,
      kind: 'fail',
      failure: { code: 'x', type: 'x', message: 'm', names: [] },
    });
    await b.engine.maintenance.begin(about);
    b.clock.advance(180_000);
    await b.engine.upkeep.run();
    expect((await b.get(scheduled)).state).toBe(State.scheduled);
    expect((await b.get(failed.id)).state).toBe(State.retryable);
    expect(await b.engine.storage.jobs.list({ states: 0xff, queue: 'crons', limit: 9 })).toMatchObject({ items: [] });
    await b.engine.maintenance.end();
    await b.engine.upkeep.run();
    expect((await b.get(scheduled)).state).toBe(State.available);
    expect((await b.get(failed.id)).state).toBe(State.available);
    // One run, however many times were missed.
    const { items } = await b.engine.storage.jobs.list({ states: 0xff, queue: 'crons', limit: 9 });
    expect(items).toHaveLength(1);
  });

  it('acks, cancels, expiries and the jobs of dead workers are settled as ever', async (b) => {
    const [acked, lost] = [await b.start('w1'), await b.start('w2')];
    await b.beat('w1', [acked.id]);
    await b.beat('w2', [lost.id]);
    const [cancelled, expired] = [await b.push(), await b.push({ expiresAt: b.clock.now() + 5_000 })];
    await b.engine.maintenance.begin(about);
    await b.engine.protocol.settle({ id: acked.id, claim: acked.claim, worker: 'w1', kind: 'ack', result: null });
    await b.engine.lifecycle.cancel(cancelled, null);
    b.clock.advance(30_000);
    await b.engine.upkeep.run();
    expect((await b.get(acked.id)).state).toBe(State.completed);
    expect((await b.get(cancelled)).state).toBe(State.cancelled);
    expect((await b.get(expired)).state).toBe(State.discarded);
    expect(await b.get(lost.id)).toMatchObject({ state: State.available, attempt: 1 });
  });

  it('a second server on the store follows with its next look, and survives its own restart', async (b) => {
    const { storage } = b.engine;
    const open = () => Engine.start({ storage, clock: b.clock, upkeep: 'manual' });
    const other = await open();
    const fetch = { queues: ['q'], count: 1, worker: null, leaseMs: null, request: null, waitMs: 0 };
    await b.engine.maintenance.begin({ reason: 'migration', estimatedMs: 60_000 });
    await other.upkeep.run();
    await b.push();
    expect(other.maintenance.on).toBe(true);
    expect(await other.protocol.fetch(fetch)).toEqual([]);
    const restarted = await open();
    expect(await restarted.protocol.fetch(fetch)).toEqual([]);
    expect(await restarted.maintenance.read()).toEqual({
      enabledAt: b.clock.now(),
      reason: 'migration',
      estimatedEnd: b.clock.now() + 60_000,
    });
    // The estimated end ends nothing.
    b.clock.advance(3_600_000);
    await other.upkeep.run();
    expect(await other.protocol.fetch(fetch)).toEqual([]);
    await restarted.maintenance.end();
    await other.upkeep.run();
    expect(await other.protocol.fetch(fetch)).toHaveLength(1);
  });

  it('a repeated fetch gets the jobs that it had before, and no others', async (b) => {
    const id = await b.push();
    await b.push();
    const fetch = { worker: 'w1', request: 'r1', leases: true };
    const [claimed] = await b.fetch(fetch);
    await b.engine.maintenance.begin(about);
    expect(await b.fetch(fetch)).toEqual([claimed]);
    expect(claimed?.id).toBe(id);
    expect(await b.fetch({ ...fetch, request: 'r2' })).toEqual([]);
    await b.engine.protocol.settle({ id, claim: claimed?.claim ?? null, worker: 'w1', kind: 'ack', result: null });
    expect(await b.fetch(fetch)).toEqual([]);
  });

  it('an explanation and the doctor name the mode, and nothing that follows from it', async (b) => {
    const cron = { name: 'tick', cron: '* * * * *', type: 'a.cron', args: [], options: { queue: 'crons' } };
    await b.engine.crons.register(JSON.stringify(cron), async () => {});
    const scheduled = await b.push({ state: State.scheduled, runAt: b.clock.now() + 1_000 });
    const available = await b.push();
    await b.engine.maintenance.begin({ reason: 'new disk', estimatedMs: null });
    b.clock.advance(180_000);
    await b.beat('w1');
    for (const id of [scheduled, available]) {
      const { reasons, next } = await b.engine.explainer.job(id);
      expect(reasons[0]).toMatchObject({ code: 'maintenance', message: expect.stringContaining('(new disk)') });
      expect(next).toBeNull();
    }
    const findings = await diagnose(b.engine);
    expect(findings.map(({ code }) => code)).toContain('maintenance');
    expect(findings.map(({ code }) => code)).not.toContain('late_cron');
    await b.engine.maintenance.end();
    expect((await b.engine.explainer.job(available)).reasons.map(({ code }) => code)).not.toContain('maintenance');
    expect((await diagnose(b.engine)).map(({ code }) => code)).toContain('late_cron');
  });

  it('a long poll waits, and the end wakes it on every server', async (b) => {
    const other = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    await b.engine.maintenance.begin(about);
    await other.upkeep.run();
    const ids = [await b.push({ queue: 'one' }), await b.push({ queue: 'two' })];
    const request = { count: 1, worker: null, leaseMs: null, request: null, waitMs };
    const waiting = [b.fetch({ queues: ['one'], waitMs }), other.protocol.fetch({ ...request, queues: ['two'] })];
    await settled();
    expect((await b.get(ids[0] ?? '')).state).toBe(State.available);
    await other.maintenance.end();
    await b.engine.upkeep.run();
    expect((await Promise.all(waiting)).flat().map(({ id }) => id)).toEqual(ids);
  });

  it('begun again it keeps its beginning, and a reset ends it', async (b) => {
    const first = await b.engine.maintenance.begin(about);
    b.clock.advance(1_000);
    expect(await b.engine.maintenance.begin({ reason: 'longer', estimatedMs: null })).toEqual({
      ...first,
      reason: 'longer',
    });
    await b.engine.reset();
    const id = await b.push();
    expect(await b.fetch()).toMatchObject([{ id }]);
  });
});

test('servers with timers follow within two seconds, both ways', async () => {
  const path = `sqlite:${join(temporaryDirectory(), 'jobs.db')}`;
  await using one = await Engine.start({ storage: await openStorage(path) });
  await using two = await Engine.start({ storage: await openStorage(path) });
  const quickest = { begin: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
  // The machine of a test may be busy, though not each time.
  for (let turn = 0; turn < 5 && Math.max(quickest.begin, quickest.end) > 2_000; turn++)
    for (const what of ['begin', 'end'] as const) {
      await (what === 'begin' ? one.maintenance.begin(about) : one.maintenance.end());
      const changed = performance.now();
      await expect.poll(() => two.maintenance.on).toBe(what === 'begin');
      quickest[what] = Math.min(quickest[what], performance.now() - changed);
    }
  expect(Math.max(quickest.begin, quickest.end)).toBeLessThanOrEqual(2_000);
});

test('a read that began before a change does not undo it', async () => {
  await using b = await bench('memory:');
  const reading = b.engine.maintenance.read();
  const begun = b.engine.maintenance.begin(about);
  await Promise.all([reading, begun]);
  expect(b.engine.maintenance.on).toBe(true);
});
