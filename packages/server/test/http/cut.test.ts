import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { type Job, post, repeats } from '../support/requests/repeats.ts';
import { storages } from '../support/storages.ts';

/**
 * The acceptance line: the connection is cut after the commit of each operation, and the repeated call answers what the
 * first would have.
 */
describe.each(storages)('a repeated call after a cut, $name', (storage) => {
  const { ask, twice, enqueue, fetched, dead, events, expectRepeatable } = repeats(storage.url());

  test('enqueue', async () => {
    const body = {
      id: newId(),
      type: 'a.b',
      args: [1e3, { b: 1 }],
      options: { queue: 'cut-enqueue', delay_until: '+PT1H' },
    };
    await expectRepeatable(post('/jobs', body, newId()), 201, 1);
  });

  test('batch', async () => {
    const jobs = Array.from({ length: 3 }, () => ({
      id: newId(),
      type: 'a.b',
      args: [],
      options: { queue: 'cut-batch' },
    }));
    await expectRepeatable(post('/jobs/batch', { jobs }, newId()), 201, 3);
  });

  test('fetch, by its request_id', async () => {
    const { queue } = await enqueue();
    await ask('/jobs', { type: 'a.b', args: [], options: { queue } });
    const { body } = await expectRepeatable(
      post('/workers/fetch', { queues: [queue], count: 1, worker_id: 'w1', request_id: newId() }),
      200,
      1,
    );
    expect((body as { jobs: readonly Job[] }).jobs).toMatchObject([{ attempt: 1 }]);
  });

  test('ack, by its lease', async () => {
    const { id, x_lease } = await fetched();
    await expectRepeatable(post('/workers/ack', { job_id: id, result: { n: 1 }, worker_id: 'w1', x_lease }), 200, 1);
  });

  test('nack that leads to a retry, by its lease', async () => {
    const { id, x_lease } = await fetched();
    const error = { code: 'oops', message: 'again' };
    const { body } = await expectRepeatable(
      post('/workers/nack', { job_id: id, error, worker_id: 'w1', x_lease }),
      200,
      2,
    );
    expect(body).toMatchObject({ state: 'retryable', attempt: 1 });
  });

  test('nack that discards, by its lease', async () => {
    const { id, x_lease } = await fetched({ retry: { max_attempts: 1 } });
    const { body } = await expectRepeatable(
      post('/workers/nack', { job_id: id, error: { message: 'no' }, worker_id: 'w1', x_lease }),
      200,
      2,
    );
    expect(body).toMatchObject({ state: 'discarded', attempt: 1 });
  });

  test.each([0, 60_000])('requeue with a delay of %i ms, by its lease', async (delay_ms) => {
    const { id, x_lease } = await fetched();
    const { body } = await expectRepeatable(
      post('/workers/nack', { job_id: id, requeue: true, delay_ms, worker_id: 'w1', x_lease }),
      200,
      1,
    );
    expect(body).toMatchObject({ state: delay_ms > 0 ? 'retryable' : 'available', attempt: 0 });
  });

  test('heartbeat', async () => {
    const { id, x_lease } = await fetched({}, 'w2');
    const beat = { worker_id: 'w2', active_jobs: [id], leases: { [id]: x_lease } };
    const { body } = await expectRepeatable(post('/workers/heartbeat', beat), 200, 0);
    expect(body).toMatchObject({ jobs_extended: [id], jobs_cancelled: [] });
  });

  test('cancel, of a waiting and of a running job', async () => {
    for (const { id } of [await enqueue(), await fetched()]) {
      const request = { method: 'DELETE', path: `/ojs/v1/jobs/${id}`, headers: { 'idempotency-key': newId() } };
      const { body } = await expectRepeatable(request, 200, 1);
      expect(body).toMatchObject({ job: { state: 'cancelled' } });
    }
  });

  test('activate', async () => {
    const { id } = await enqueue({ pending: true });
    const { body } = await expectRepeatable(post(`/jobs/${id}/activate`, undefined, newId()), 200, 1);
    expect(body).toMatchObject({ job: { state: 'available', previous_state: 'pending' } });
  });

  test('retry from the dead letter', async () => {
    const { id } = await dead();
    const { body } = await expectRepeatable(post(`/dead-letter/${id}/retry`, undefined, newId()), 200, 1);
    expect(body).toMatchObject({ job: { state: 'available', attempt: 0, previous_state: 'discarded' } });
  });

  test('exchange: acks, nacks, heartbeat and fetch in one', async () => {
    const [done, failed, held, next] = [
      await fetched({}, 'w3'),
      await fetched({}, 'w3'),
      await fetched({}, 'w3'),
      await enqueue(),
    ];
    const exchange = {
      worker_id: 'w3',
      acks: [{ job_id: done.id, x_lease: done.x_lease, result: [1] }],
      nacks: [{ job_id: failed.id, x_lease: failed.x_lease, error: { message: 'again' } }],
      beat: { active_jobs: [held.id], leases: { [held.id]: held.x_lease } },
      fetch: { queues: [next.queue], count: 5, request_id: newId() },
    };
    const { body } = await expectRepeatable(post('/workers/exchange', exchange), 200, 4);
    expect(body).toMatchObject({
      acks: [{ status: 200, state: 'completed' }],
      nacks: [{ status: 200, state: 'retryable' }],
      jobs: [{ id: next.id, attempt: 1 }],
    });
  });

  test('without a key, a lease or a request_id a repeat is refused as the specification says, and changes nothing', async () => {
    const id = newId();
    const before = await events();
    const enqueued = await twice(post('/jobs', { id, type: 'a.b', args: [], options: { queue: `q-${id}` } }));
    expect([enqueued.first.status, enqueued.second.status]).toEqual([201, 409]);
    expect(enqueued.second.body).toMatchObject({ error: { code: 'duplicate', details: { existing_job_id: id } } });
    await ask('/workers/fetch', { queues: [`q-${id}`] });
    const acked = await twice(post('/workers/ack', { job_id: id }));
    expect([acked.first.status, acked.second.status]).toEqual([200, 409]);
    expect((await events()) - before).toBe(3);
  });
});
