import { ProtocolError } from '@ojs-ts/core';
import { type Failure, type JobRecord, State, stateName } from '@ojs-ts/core/job';
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
  test('an old lease is refused everywhere once another worker has the job (the fence)', async () => {
    await using b = await bench(url());
    const old = await b.start('w1', { visibilityMs: 3_000 });
    b.clock.advance(3_000);
    await b.engine.upkeep.run();
    // The same worker again: only the claim tells the two executions apart.
    const [current] = await b.fetch({ queues: [old.queue], worker: 'w1' });
    expect(current).toMatchObject({ attempt: 2, claim: 2 });
    for (const settlement of [ack(old), fail(old), requeue(old)]) {
      expect(await b.engine.protocol.settle(settlement)).toMatchObject({
        kind: 'conflict',
        job: { state: State.active, claim: 2 },
      });
    }
    expect((await b.get(old.id)).state).toBe(State.active);
    expect(await b.engine.protocol.settle(ack(old, { claim: 2 }))).toMatchObject({ kind: 'completed' });
    expect(await b.engine.protocol.settle(fail(old))).toMatchObject({ kind: 'conflict' });
  });

  test('ack and nack of one claim at the same time: one of them counts', async () => {
    await using b = await bench(url());
    const job = await b.start();
    const outcomes = await Promise.all([
      b.engine.protocol.settle(ack(job)),
      b.engine.protocol.settle(fail(job)),
      b.engine.protocol.settle(requeue(job)),
    ]);
    expect(outcomes.filter(({ kind }) => kind !== 'conflict')).toHaveLength(1);
  });

  test('the same nack many times at the same time is one failure', async () => {
    await using b = await bench(url());
    const job = await b.start();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => b.engine.protocol.settle(fail(job))));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(JSON.parse(`[${(await b.get(job.id)).history}]`)).toHaveLength(1);
  });

  test('giveBack undoes claims, uncounted, but not those that have moved on', async () => {
    await using b = await bench(url());
    const [first, second] = [await b.start(), await b.start()];
    await b.engine.protocol.settle(ack(second));
    await b.engine.protocol.giveBack([first, second]);
    expect(await b.get(first.id)).toMatchObject({ state: State.available, attempt: 0, claim: 1, worker: null });
    expect((await b.get(second.id)).state).toBe(State.completed);
    await b.engine.protocol.giveBack([first]);
    expect(await b.fetch({ queues: [first.queue] })).toMatchObject([{ attempt: 1, claim: 2 }]);
    await b.engine.protocol.giveBack([first]);
    expect((await b.get(first.id)).state).toBe(State.active);
    expect(await b.engine.protocol.settle(requeue(first))).toMatchObject({ kind: 'conflict' });
  });
});

describe.each(storages)('lifecycle, $name', ({ url }) => {
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
