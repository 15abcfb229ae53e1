import { type Failure, historyOf, lastError, State } from '@ojs-ts/core/job';
import { unhandledCode } from '@ojs-ts/core/lifecycle';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../src/engine/diagnosis.ts';
import { type Bench, bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const message = 'No handler is registered for a.b. Did you mean a.c?';
const failure: Failure = { code: unhandledCode, type: unhandledCode, message, retryable: true, names: [unhandledCode] };

async function refuse(b: Bench) {
  await b.engine.upkeep.promote();
  const [job] = await b.fetch({ worker: 'w1' });
  if (!job) throw new Error('The job is not available.');
  const { id, claim } = job;
  return await b.engine.protocol.settle({ kind: 'refuse', id, claim, worker: 'w1', failure, delayMs: 5_000 });
}

describe.each(storages)('a type that no worker handles, $name', ({ url }) => {
  test('is an error of the job, of the list of errors, of the doctor and of explain, and counts no attempt', async () => {
    await using b = await bench(url());
    const id = await b.push({ retry: { maxAttempts: 1 } });
    const since = new Date(b.clock.now()).toISOString();
    for (let refusals = 1; refusals <= 3; refusals++) {
      expect(await refuse(b)).toMatchObject({ kind: 'retryable', delayMs: 5_000 });
      const job = await b.get(id);
      expect(job).toMatchObject({ state: State.retryable, attempt: 0, runAt: b.clock.now() + 5_000 });
      expect(historyOf(job)).toHaveLength(1);
      expect(lastError(job)).toMatchObject({ code: unhandledCode, message, details: { refusals, since } });
      if (refusals < 3) b.clock.advance(5_000);
    }
    const { groups } = await b.engine.storage.jobs.errors({ states: State.retryable, limit: 9 });
    expect(groups).toMatchObject([{ count: 1, type: unhandledCode, message }]);
    expect(await diagnose(b.engine)).toContainEqual(
      expect.objectContaining({
        code: 'unhandled_type',
        message: `1 job waits for a worker with a handler. ${message}`,
      }),
    );
    const { reasons, next } = await b.engine.explainer.job(id);
    expect(reasons).toMatchObject([
      {
        code: 'no_handler',
        remedy: 'Start a worker that registers a.b and reads the queue q, or enqueue the job under its right type.',
      },
    ]);
    expect(next).toBe(b.clock.now() + 5_000);
    const events = (await b.engine.storage.events(0, 99)).batches.flatMap(({ entries }) => JSON.parse(entries));
    expect(events.filter(([kind]) => kind === 'job.failed')).toHaveLength(1);
  });

  test('it waits up to a minute for the next worker, ends in the dead letter after a day, and a retry begins anew', async () => {
    await using b = await bench(url());
    const id = await b.push();
    const began = b.clock.now();
    let longest = 0;
    let outcome = await refuse(b);
    while (outcome.kind === 'retryable') {
      longest = Math.max(longest, outcome.delayMs);
      b.clock.advance(outcome.delayMs);
      outcome = await refuse(b);
    }
    expect(outcome.kind).toBe('discarded');
    expect(longest).toBe(60_000);
    expect(b.clock.now() - began).toBeGreaterThanOrEqual(86_400_000);
    expect(b.clock.now() - began).toBeLessThanOrEqual(86_460_000);
    expect(await b.get(id)).toMatchObject({ state: State.discarded, deadLetter: true });
    expect((await b.engine.explainer.job(id)).reasons).toMatchObject([{ code: 'no_handler' }]);
    await b.engine.lifecycle.retry(id, null);
    expect(await refuse(b)).toMatchObject({ kind: 'retryable', delayMs: 5_000 });
  });

  test('a job whose policy names the code is discarded at the first refusal', async () => {
    await using b = await bench(url());
    const id = await b.push({ retry: { nonRetryableErrors: [unhandledCode] } });
    expect(await refuse(b)).toMatchObject({ kind: 'discarded' });
    expect(await b.get(id)).toMatchObject({ state: State.discarded, deadLetter: true });
  });
});
