import { recordSteps } from '@ojs-ts/core/durable';
import { historyOf, type JobRecord, State } from '@ojs-ts/core/job';
import { run } from '@ojs-ts/core/lifecycle';
import { describe, expect, test } from 'vitest';
import { done, durableServer } from '../../binding/workers/durable.ts';
import { type Bench, bench } from '../../support/engine.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

const leaseMs = 30_000;

/** Ends the worker of a job, which is heard of no more, and waits until the job can start again. */
async function die({ clock, engine }: Bench): Promise<void> {
  for (let beat = 0; beat < 4; beat++) {
    clock.advance(leaseMs / 2);
    await engine.upkeep.settleOverdue();
    await engine.upkeep.settleLiveness();
  }
  clock.advance(3_600_000);
  await engine.upkeep.promote();
}

/** Starts the job on one new worker after the other, until it is discarded. Answers how many died. */
async function deathsOf(b: Bench, progress: (job: JobRecord, round: number) => Promise<void>): Promise<number> {
  const id = await b.push({ retry: { maxAttempts: 5 }, visibilityMs: leaseMs });
  for (let round = 1; round <= 20; round++) {
    const worker = `w${round}`;
    const [job] = await b.fetch({ worker, steps: true });
    if (job === undefined) throw new Error('The fetch got no job.');
    await b.beat(worker, [id]);
    await progress(job, round);
    await die(b);
    const after = await b.get(id);
    if (after.state !== State.discarded) continue;
    expect(historyOf(after).at(-1)).toMatchObject({ error: { code: 'poison_pill', details: { deaths: 3 } } });
    return round;
  }
  throw new Error('The job was never discarded.');
}

describe.each(storages)('deaths of the workers of a job with durable steps, $name', ({ url }) => {
  test('a new step forgives the deaths before it, ten in all; later ones count', async () => {
    await using b = await bench(url());
    const record = async ({ id, claim, worker }: JobRecord, round: number) => {
      const sent = { name: `step ${round}`, kind: 'run', state: 'done', number: round } as const;
      await run(recordSteps(b.engine.steps, { id, claim, worker }, [sent]));
    };
    expect(await deathsOf(b, record)).toBe(13);
    // Without progress, and with steps that an earlier execution has recorded, each death counts.
    expect(await deathsOf(b, async () => {})).toBe(3);
    expect(await deathsOf(b, (job) => record(job, 1))).toBe(3);
  });
});

test('over HTTP: a job that records a new step before each death outlives ten of them', async () => {
  await using server = await durableServer('sqlite:');
  const { w, bench: b } = server;
  const id = await w.enqueue({ retry: { max_attempts: 5 }, visibility_timeout: leaseMs });
  for (let round = 1; ; round++) {
    const job = await w.take({ worker_id: `w${round}` });
    await call(w.url, '/workers/heartbeat', { worker_id: `w${round}`, active_jobs: [id] });
    if (round <= 10)
      expect([job.x_alone_ms, job.attempt]).toEqual([round === 1 ? undefined : expect.any(Number), round]);
    const { items } = (
      await call<{ items: { status: number }[] }>(w.url, '/workers/steps', {
        worker_id: `w${round}`,
        items: [{ job_id: id, x_lease: job.x_lease, steps: [done(`step ${round}`, round)] }],
      })
    ).body;
    expect(items).toMatchObject([{ status: 200 }]);
    await die(b);
    if ((await w.job(id)).state !== 'discarded') continue;
    expect(round).toBe(13);
    break;
  }
  expect((await w.steps(id)).steps).toHaveLength(13);
  expect((await w.job(id)).error).toMatchObject({ code: 'poison_pill' });
});
