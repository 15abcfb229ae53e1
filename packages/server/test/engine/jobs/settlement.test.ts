import { type Failure, type JobRecord, ProtocolError, State, stateName } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import type { Settlement } from '../../../src/engine/jobs/settlement.ts';
import { bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const failure: Failure = { code: 'oops', type: 'oops', message: 'm', names: ['oops'] };

function ack(job: JobRecord, patch: Partial<Settlement> = {}): Settlement {
  return { id: job.id, claim: job.claim, worker: job.worker, ...patch, kind: 'ack', result: '{"a":1}' };
}

function fail(job: JobRecord, patch: Partial<Failure> = {}): Settlement {
  return { id: job.id, claim: job.claim, worker: job.worker, kind: 'fail', failure: { ...failure, ...patch } };
}

function requeue(job: JobRecord, delayMs = 0): Settlement {
  return { id: job.id, claim: job.claim, worker: job.worker, kind: 'requeue', reason: 'shutdown', delayMs };
}

describe.each(storages)('settlement, $name', ({ url }) => {
  test('ack completes once; a repeat with the lease answers the first time, without one it is a conflict (§4)', async () => {
    await using b = await bench(url());
    const job = await b.start();
    const first = await b.engine.settle(ack(job));
    expect(first).toEqual({ kind: 'completed', at: b.clock.now() });
    b.clock.advance(5_000);
    expect(await b.engine.settle(ack(job))).toEqual(first);
    expect(await b.engine.settle(ack(job, { claim: null }))).toMatchObject({
      kind: 'conflict',
      job: { state: State.completed },
    });
    expect(await b.get(job.id)).toMatchObject({ state: State.completed, result: '{"a":1}' });
  });

  test.each([
    ['a retry', { maxAttempts: 3 }, 'retryable'],
    ['the end', { maxAttempts: 1 }, 'discarded'],
    ['the dead letter', { maxAttempts: 1, onExhaustion: 'dead_letter' as const }, 'discarded'],
  ])('fail that leads to %s is repeatable by the lease, also after the job has moved on', async (_, retry, kind) => {
    await using b = await bench(url());
    const job = await b.start('w1', { retry });
    const first = await b.engine.settle(fail(job));
    expect(first).toMatchObject({ kind, attempt: 1 });
    const after = await b.get(job.id);
    b.clock.advance(60_000);
    expect(await b.engine.settle(fail(job))).toEqual(first);
    expect(await b.get(job.id)).toMatchObject({ history: after.history });
    expect(await b.engine.settle({ ...fail(job), claim: null })).toMatchObject({ kind: 'conflict' });
    if (kind === 'retryable') {
      const [again] = await b.fetch({ queues: [job.queue], worker: 'w2' });
      expect(again).toMatchObject({ attempt: 2, claim: 2 });
      expect(await b.engine.settle(fail(job))).toEqual(first);
      expect((await b.get(job.id)).state).toBe(State.active);
    }
  });

  test.each([0, 30_000])(
    'requeue with a delay of %i ms does not count, and is repeatable by the lease (T:L1-WRK-003)',
    async (delayMs) => {
      await using b = await bench(url());
      const job = await b.start();
      const first = await b.engine.settle(requeue(job, delayMs));
      expect(first).toEqual({ kind: 'requeued', attempt: 0, maxAttempts: 3, delayMs });
      expect(await b.engine.settle(requeue(job, delayMs))).toEqual(first);
      expect(await b.get(job.id)).toMatchObject({
        state: delayMs > 0 ? State.retryable : State.available,
        attempt: 0,
        worker: null,
        startedAt: null,
      });
      if (delayMs > 0) expect(await b.fetch({ queues: [job.queue] })).toEqual([]);
      b.clock.advance(delayMs);
      expect(await b.fetch({ queues: [job.queue] })).toMatchObject([{ id: job.id, attempt: 1, claim: 2 }]);
      expect(await b.engine.settle(requeue(job, delayMs))).toEqual(first);
    },
  );

  test('an old lease is refused everywhere once another worker has the job (the fence)', async () => {
    await using b = await bench(url());
    const old = await b.start('w1', { visibilityMs: 3_000 });
    b.clock.advance(3_000);
    await b.engine.upkeep.run();
    // The same worker again: only the claim tells the two executions apart.
    const [current] = await b.fetch({ queues: [old.queue], worker: 'w1' });
    expect(current).toMatchObject({ attempt: 2, claim: 2 });
    for (const settlement of [ack(old), fail(old), requeue(old)]) {
      expect(await b.engine.settle(settlement)).toMatchObject({
        kind: 'conflict',
        job: { state: State.active, claim: 2 },
      });
    }
    expect((await b.get(old.id)).state).toBe(State.active);
    expect(await b.engine.settle(ack(old, { claim: 2 }))).toMatchObject({ kind: 'completed' });
    expect(await b.engine.settle(fail(old))).toMatchObject({ kind: 'conflict' });
  });

  test('without a lease the worker owns it, and without a name the state decides', async () => {
    await using b = await bench(url());
    const job = await b.start('w1');
    for (const settlement of [ack(job), fail(job), requeue(job)]) {
      expect(await b.engine.settle({ ...settlement, claim: null, worker: 'w2' })).toMatchObject({ kind: 'conflict' });
    }
    expect(await b.engine.settle({ ...ack(job), claim: null, worker: null })).toMatchObject({ kind: 'completed' });
  });

  test('an unknown job is missing; one that waits, was cancelled or ended is a conflict', async () => {
    await using b = await bench(url());
    const job = await b.start();
    expect(await b.engine.settle({ ...ack(job), id: '01900000-0000-7000-8000-000000000000' })).toEqual({
      kind: 'missing',
    });
    expect(await b.engine.settle({ ...fail(job), id: '01900000-0000-7000-8000-000000000000' })).toEqual({
      kind: 'missing',
    });
    await b.engine.lifecycle.cancel(job.id, null);
    for (const settlement of [ack(job), fail(job), requeue(job)]) {
      expect(await b.engine.settle(settlement)).toMatchObject({ kind: 'conflict', job: { state: State.cancelled } });
    }
  });

  test('ack and nack of one claim at the same time: one of them counts', async () => {
    await using b = await bench(url());
    const job = await b.start();
    const outcomes = await Promise.all([
      b.engine.settle(ack(job)),
      b.engine.settle(fail(job)),
      b.engine.settle(requeue(job)),
    ]);
    expect(outcomes.filter(({ kind }) => kind !== 'conflict')).toHaveLength(1);
  });

  test('the same nack many times at the same time is one failure', async () => {
    await using b = await bench(url());
    const job = await b.start();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => b.engine.settle(fail(job))));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(JSON.parse(`[${(await b.get(job.id)).history}]`)).toHaveLength(1);
  });

  test('giveBack undoes claims, uncounted, but not those that have moved on', async () => {
    await using b = await bench(url());
    const [first, second] = [await b.start(), await b.start()];
    await b.engine.settle(ack(second));
    await b.engine.giveBack([first, second]);
    expect(await b.get(first.id)).toMatchObject({ state: State.available, attempt: 0, claim: 1, worker: null });
    expect((await b.get(second.id)).state).toBe(State.completed);
    await b.engine.giveBack([first]);
    expect(await b.fetch({ queues: [first.queue] })).toMatchObject([{ attempt: 1, claim: 2 }]);
    await b.engine.giveBack([first]);
    expect((await b.get(first.id)).state).toBe(State.active);
    expect(await b.engine.settle(requeue(first))).toMatchObject({ kind: 'conflict' });
  });
});

describe.each(storages)('lifecycle, $name', ({ url }) => {
  const conflict = (current: string) =>
    expect.objectContaining({ code: 'conflict', details: expect.objectContaining({ current_state: current }) });

  test('cancel from every state that allows it; again by key, not without one', async () => {
    await using b = await bench(url());
    const ids = [
      await b.push(),
      await b.push({ state: State.pending }),
      await b.push({ state: State.scheduled, runAt: b.clock.now() + 1e6 }),
      (await b.start()).id,
    ];
    for (const id of ids) {
      const from = (await b.get(id)).state;
      const first = await b.engine.lifecycle.cancel(id, 'k1');
      expect(first).toMatchObject({ from, job: { state: State.cancelled, finishedAt: b.clock.now() } });
      b.clock.advance(1_000);
      expect(await b.engine.lifecycle.cancel(id, 'k1')).toEqual(first);
      for (const key of [null, 'k2'])
        await expect(b.engine.lifecycle.cancel(id, key)).rejects.toEqual(conflict('cancelled'));
    }
  });

  test('activate: to available, or to scheduled for a future time', async () => {
    await using b = await bench(url());
    const [now, later] = [
      await b.push({ state: State.pending }),
      await b.push({ state: State.pending, runAt: b.clock.now() + 5_000 }),
    ];
    const first = await b.engine.lifecycle.activate(now, 'k1');
    expect(first).toMatchObject({ from: State.pending, job: { state: State.available } });
    expect(await b.engine.lifecycle.activate(now, 'k1')).toEqual(first);
    await expect(b.engine.lifecycle.activate(now, null)).rejects.toEqual(conflict('available'));
    expect(await b.engine.lifecycle.activate(later, null)).toMatchObject({ job: { state: State.scheduled } });
    b.clock.advance(5_000);
    expect((await b.get(later)).state).toBe(State.available);
  });

  test('retry only from the dead letter; the key answers the first, also after the job was started', async () => {
    await using b = await bench(url());
    const dead = await b.start('w1', { retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
    await b.engine.settle(fail(dead));
    const discarded = await b.start('w1', { retry: { maxAttempts: 1 } });
    await b.engine.settle(fail(discarded));
    const notFound = expect.objectContaining({ code: 'not_found' });
    await expect(b.engine.lifecycle.retry(discarded.id, null)).rejects.toEqual(notFound);
    expect(await b.engine.lifecycle.retry(dead.id, 'k1')).toMatchObject({
      from: State.discarded,
      job: { state: State.available, attempt: 0 },
    });
    await b.fetch({ queues: [dead.queue] });
    expect(await b.engine.lifecycle.retry(dead.id, 'k1')).toMatchObject({
      from: State.discarded,
      job: { state: State.active, attempt: 1 },
    });
    await expect(b.engine.lifecycle.retry(dead.id, 'k2')).rejects.toEqual(notFound);
    await expect(b.engine.lifecycle.retry(dead.id, null)).rejects.toEqual(notFound);
  });

  test('a repeated change is known after later ones of its kind', async () => {
    await using b = await bench(url());
    const job = await b.start('w1', { retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
    await b.engine.settle(fail(job));
    for (const key of ['k1', 'k2']) {
      await b.engine.lifecycle.retry(job.id, key);
      const [again] = await b.fetch({ queues: [job.queue], worker: 'w1' });
      if (again) await b.engine.settle(fail(again));
    }
    expect(await b.engine.lifecycle.retry(job.id, 'k1')).toMatchObject({
      from: State.discarded,
      job: { state: State.discarded, attempt: 1 },
    });
  });

  test('many cancels at once: one of them, and the others hear of it', async () => {
    await using b = await bench(url());
    const id = await b.push();
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => b.engine.lifecycle.cancel(id, null)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(ProtocolError);
    }
    expect(stateName((await b.get(id)).state)).toBe('cancelled');
  });
});
