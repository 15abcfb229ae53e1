import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { readEvents } from '../../../src/realtime/log/events.ts';
import type { WorkerBeat } from '../../../src/storage/storage.ts';
import { type Bench, bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const info = JSON.stringify({ queues: ['a', 'b'], concurrency: 5 });

function beat(b: Bench, patch: Partial<WorkerBeat> = {}) {
  return b.engine.protocol.beat({ worker: 'w1', holds: [], leaseMs: null, state: 'running', info, ...patch });
}

/** The events of workers, as `kind worker` and what else they tell. */
async function told(b: Bench): Promise<readonly (readonly [string, unknown])[]> {
  const query = { after: null, types: ['worker.*'], queues: [], jobTypes: [], limit: 1_000 };
  const { events } = await readEvents(b.engine.storage, 'ojs://test', query);
  return events.map(({ type, subject, data: { worker_id, ...more } }) => {
    expect(worker_id).toBe(subject);
    return [`${type} ${subject}`, more];
  });
}

describe.each(storages)('events of workers, $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('a life: started, quiet, running again, stopped with the last heartbeat (ojs-events §3.4, §10.6)', async (b) => {
    const job = await b.start(null);
    await beat(b);
    await beat(b);
    await beat(b, { state: 'quiet', holds: [{ id: job.id, claim: job.claim }] });
    await beat(b, { state: 'quiet' });
    await beat(b);
    await beat(b, { state: 'terminate', holds: [{ id: job.id, claim: job.claim }] });
    await beat(b, { state: 'terminate' });
    await beat(b, { state: 'terminate' });
    expect(await told(b)).toEqual([
      ['worker.started w1', { queues: ['a', 'b'], concurrency: 5 }],
      ['worker.quiet w1', { active_jobs: 1 }],
      ['worker.stopped w1', { reason: 'shutdown' }],
    ]);
    expect(await b.engine.storage.registry.workers()).toEqual([]);
    await beat(b);
    expect((await told(b)).slice(3)).toEqual([['worker.started w1', { queues: ['a', 'b'], concurrency: 5 }]]);
  });

  it('a heartbeat event is written once a minute, after the start', async (b) => {
    for (let second = 0; second <= 125; second += 5) {
      await beat(b, { holds: null, active: 3 });
      b.clock.advance(5_000);
    }
    expect(await told(b)).toEqual([
      ['worker.started w1', { queues: ['a', 'b'], concurrency: 5 }],
      ['worker.heartbeat w1', { active_jobs: 3, queues: ['a', 'b'] }],
      ['worker.heartbeat w1', { active_jobs: 3, queues: ['a', 'b'] }],
    ]);
  });

  it('a fetch begins a worker as well, once, and before the job that it gets', async (b) => {
    await b.push();
    await Promise.all([b.fetch({ worker: 'w1', count: 4 }), b.fetch({ worker: 'w1' }), beat(b)]);
    await b.fetch({ worker: 'w1' });
    await b.fetch();
    // Whichever fetch comes first.
    expect((await told(b))[0]).toEqual(['worker.started w1', { queues: ['q'], concurrency: expect.toBeOneOf([4, 1]) }]);
    expect((await told(b)).map(([kind]) => kind)).toEqual(['worker.started w1', 'worker.heartbeat w1']);
    const { batches } = await b.engine.storage.events(0, 99);
    const kinds = batches.flatMap(({ entries }) =>
      (JSON.parse(entries) as readonly (readonly [string])[]).map(([kind]) => kind),
    );
    expect(kinds.indexOf('worker.started')).toBeLessThan(kinds.indexOf('job.started'));
  });

  it('a dead worker has stopped by an error; one that announced its end, by shutdown', async (b) => {
    await beat(b);
    await beat(b, { worker: 'w2', state: 'terminate', holds: null });
    b.clock.advance(31_000);
    await b.engine.upkeep.run();
    await b.engine.upkeep.run();
    expect(await told(b)).toEqual([
      ['worker.started w1', { queues: ['a', 'b'], concurrency: 5 }],
      ['worker.stopped w1', { reason: 'error' }],
      ['worker.stopped w2', { reason: 'shutdown' }],
    ]);
  });

  it('a worker that may hold more than it lists does not end with an empty list', async (b) => {
    await beat(b, { state: 'terminate', partial: true });
    expect(await told(b)).toEqual([]);
    expect(await b.engine.storage.registry.workers()).toHaveLength(1);
    expect(await b.engine.protocol.remove('w1')).toBe(true);
    expect(await told(b)).toEqual([['worker.stopped w1', { reason: 'shutdown' }]]);
  });

  it('a worker that another server of the store knows does not start again', async (b) => {
    await using other = await bench(url(), { storage: { ...b.engine.storage, [Symbol.asyncDispose]: async () => {} } });
    await beat(b);
    await beat(other);
    await beat(other, { state: 'quiet' });
    await beat(b, { state: 'quiet' });
    await other.fetch({ worker: 'w1' });
    const kinds = (await told(b)).map(([kind]) => kind);
    expect(kinds.filter((kind) => kind !== 'worker.heartbeat w1')).toEqual(['worker.started w1', 'worker.quiet w1']);
  });

  it('an event that cannot be written fails neither heartbeat nor fetch', async (b) => {
    const storage = {
      ...b.engine.storage,
      record: () => Promise.reject(new Error('full')),
      [Symbol.asyncDispose]: async () => {},
    };
    await using broken = await bench(url(), { storage });
    expect(await beat(broken)).toMatchObject({ extended: [] });
    expect(await broken.fetch({ worker: 'w9' })).toEqual([]);
  });
});
