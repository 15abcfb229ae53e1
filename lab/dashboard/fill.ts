import { uuidv7 } from '@ojs-ts/core';
import { type NewJob, State } from '@ojs-ts/core/job';
import { completed, failed } from '@ojs-ts/core/lifecycle';
import type { Storage } from '@ojs-ts/server';
import { Fixture } from '../bench/src/fixture.ts';
import { errorOf, jobOf, queues, resultOf, retryMs, scheduledMs, shares } from './mix.ts';

const once = JSON.stringify({ retry: { maxAttempts: 1 } });
const slowly = JSON.stringify({ retry: { initialIntervalMs: retryMs, maxIntervalMs: retryMs } });

/** Fills a storage with jobs in all states, and leaves one `queue.paused` in the middle of their events. */
export async function fill(storage: Storage, count: number): Promise<void> {
  const fixture = await Fixture.open(storage);
  const at = (share: number) => Math.round(share * count);
  await run(fixture, at(shares.completed), null, async (jobs, now) => {
    await move(
      storage,
      now,
      jobs.map(({ id, claim }) => completed({ id, claim, result: JSON.stringify(resultOf) })),
    );
  });
  await storage.registry.pauseQueue('paused', true, fixture.now());
  await run(fixture, at(shares.discarded), once, fail(storage));
  await run(fixture, at(shares.retryable), slowly, fail(storage));
  const later = () => ({ state: State.scheduled, runAt: fixture.now() + scheduledMs });
  await fixture.insert(at(shares.scheduled), (n) => ({ ...newJobOf(n, null), ...later() }));
  const rest = count - Object.values(shares).reduce((sum, share) => sum + at(share), 0);
  await fixture.insert(rest, (n) => newJobOf(n, null));
}

type Claimed = Awaited<ReturnType<Fixture['claim']>>;

/** Inserts jobs, a part at a time, and ends each as `end` does. */
async function run(
  fixture: Fixture,
  count: number,
  policy: string | null,
  end: (jobs: Claimed, now: number) => Promise<void>,
): Promise<void> {
  const part = 20_000;
  for (let first = 0; first < count; first += part) {
    const size = Math.min(part, count - first);
    await fixture.insert(size, (n) => newJobOf(first + n, policy));
    for (let left = size; left > 0; ) {
      const jobs = await fixture.claim(Math.min(left, fixture.storage.traits.maxBatch), queues);
      if (jobs.length === 0) throw new Error(`${left} jobs could not be claimed`);
      await end(jobs, fixture.now());
      left -= jobs.length;
    }
  }
}

function fail(storage: Storage) {
  let n = 0;
  return async (jobs: Claimed, now: number) => {
    const transitions = jobs.map((job) => {
      const { type, message } = errorOf(n++);
      return failed(job, { code: 'failed', type, message, names: [type] }, now, Math.random);
    });
    await move(storage, now, transitions);
  };
}

async function move(storage: Storage, now: number, transitions: Parameters<Storage['jobs']['transition']>[0]) {
  const moved = await storage.jobs.transition(transitions, now);
  if (moved.some(({ kind }) => kind !== 'moved')) throw new Error('a job that was claimed could not be ended');
}

function newJobOf(n: number, policy: string | null): Partial<NewJob> & Pick<NewJob, 'queue'> {
  const id = uuidv7();
  const { queue, type, tenant, argument } = jobOf(n);
  const args = JSON.stringify([argument]);
  const envelope = `{"specversion":"1.0","id":"${id}","type":"${type}","queue":"${queue}","args":${args},"meta":{"tenant":"${tenant}"}}`;
  return { id, type, queue, envelope, policy };
}
