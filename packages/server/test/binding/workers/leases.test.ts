import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Fetched {
  readonly id: string;
  readonly x_lease: string;
}

async function fetchOne(url: string, body: object = {}): Promise<Fetched> {
  const { id } = (await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [] })).body;
  const fetched = await call<{ jobs: Fetched[] }>(url, '/workers/fetch', {
    queues: ['default'],
    worker_id: 'w1',
    ...body,
  });
  const [job] = fetched.body.jobs;
  if (job?.id !== id) throw new Error('The fetch got no job.');
  return job;
}

const post = (url: string, path: string, body: object, method = 'POST') =>
  send(url, { method, path: `/ojs/v1${path}`, body: JSON.stringify(body) });
const error = { message: 'boom' };

/** Another character in each place, one more, one less, other forms, and the claim that is to be guessed. */
function forgeriesOf(lease: string): readonly string[] {
  const altered = [...lease].map((one, at) => `${lease.slice(0, at)}${one === 'a' ? 'b' : 'a'}${lease.slice(at + 1)}`);
  return [...altered, `${lease}a`, lease.slice(0, -1), lease.toUpperCase(), 'c1', 'c1.AAAAAAAAAAA', 'nonsense'];
}

describe.each(storages)('leases on $name', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('a guessed, altered or foreign lease is refused as a stale one is, and never touches the job', async (server) => {
    const { url, bench } = server;
    const stale = await fetchOne(url, { worker_id: 'w0' });
    await bench.engine.protocol.deregister('w0');
    const fetched = await call<{ jobs: Fetched[] }>(url, '/workers/fetch', { queues: ['default'], worker_id: 'w1' });
    const [job] = fetched.body.jobs;
    if (job?.id !== stale.id) throw new Error('The job was not fetched again.');
    const other = await fetchOne(url);
    const before = await bench.get(job.id);
    const answers: string[][] = [];
    for (const x_lease of [stale.x_lease, other.x_lease, ...forgeriesOf(job.x_lease)]) {
      const named = { job_id: job.id, worker_id: 'w1', x_lease };
      const refusals = [
        await post(url, '/workers/ack', { ...named, result: { mine: true } }),
        await post(url, '/workers/nack', { ...named, error }),
        await post(url, '/workers/nack', { ...named, error, requeue: true }),
        await post(url, `/jobs/${job.id}/checkpoint`, { x_lease, state: 1 }),
      ];
      for (const refusal of refusals) expectRefusal(refusal, 409, 'conflict');
      answers.push(refusals.map(({ text }) => text.replace(/"request_id":"[^"]*"/, '')));
      expect(await call(url, `/jobs/${job.id}/progress`, { x_lease, progress: 0.5 }, { method: 'PUT' })).toMatchObject({
        status: 200,
        body: { accepted: false },
      });
      const beat = {
        worker_id: 'w1',
        active_jobs: [job.id, other.id],
        leases: { [job.id]: x_lease, [other.id]: other.x_lease },
      };
      expect((await call(url, '/workers/heartbeat', beat)).body).toMatchObject({
        jobs_extended: [other.id],
        jobs_cancelled: [job.id],
      });
      expect(await bench.get(job.id)).toEqual(before);
    }
    // No oracle: each is answered as the stale one.
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await post(url, '/workers/ack', { job_id: job.id, x_lease: job.x_lease })).status).toBe(200);
  });

  it('a fetch with leases: true makes claims that nothing but their lease ends, reports on or extends', async (server) => {
    const { url, bench } = server;
    for (const owner of [{}, { worker_id: 'w1' }, { worker_id: 'w2' }]) {
      const job = await fetchOne(url, { leases: true });
      const before = await bench.get(job.id);
      expect(before.leaseRequired).toBe(true);
      const named = { job_id: job.id, ...owner };
      for (const [path, body] of [
        ['/workers/ack', named],
        [`/jobs/${job.id}/ack`, owner],
        ['/workers/nack', { ...named, error }],
        ['/workers/nack', { ...named, error, requeue: true }],
        [`/jobs/${job.id}/checkpoint`, { ...owner, state: 1 }],
      ] as const)
        expectRefusal(await post(url, path, body), 409, 'conflict');
      expect((await call(url, '/workers/progress', { ...named, progress: 0.5 })).body).toMatchObject({
        accepted: false,
      });
      const beat = { worker_id: 'w1', active_jobs: [job.id], job_id: job.id };
      expect((await call(url, '/workers/heartbeat', beat)).body).toMatchObject({
        jobs_extended: [],
        jobs_cancelled: [job.id],
      });
      const items = { worker_id: 'w1', acks: [named], nacks: [{ ...named, error }] };
      expect((await call(url, '/workers/exchange', items)).body).toMatchObject({
        acks: [{ status: 409 }],
        nacks: [{ status: 409 }],
      });
      expect(await bench.get(job.id)).toEqual(before);
      const own = { ...named, x_lease: job.x_lease };
      expect((await call(url, `/jobs/${job.id}/checkpoint`, { x_lease: job.x_lease, state: 1 })).status).toBe(200);
      const bare = await send(url, { method: 'DELETE', path: `/ojs/v1/jobs/${job.id}/checkpoint?worker_id=w1` });
      expectRefusal(bare, 409, 'conflict');
      expect((await call(url, '/workers/progress', { ...own, worker_id: 'w1', progress: 0.5 })).body).toMatchObject({
        accepted: true,
      });
      expect(
        (await call(url, '/workers/heartbeat', { ...beat, leases: { [job.id]: job.x_lease } })).body,
      ).toMatchObject({ jobs_extended: [job.id] });
      expect((await post(url, '/workers/ack', { ...own, worker_id: 'w1' })).status).toBe(200);
    }
  });

  it('an exchange asks for leases as a fetch does, and a claim without is ended as ever', async ({ url }) => {
    const take = async (fetch: object) => {
      await call(url, '/jobs', { type: 'a.b', args: [] });
      const body = { worker_id: 'w1', fetch: { queues: ['default'], ...fetch } };
      const [job] = (await call<{ jobs: Fetched[] }>(url, '/workers/exchange', body)).body.jobs;
      return job?.id ?? '';
    };
    expectRefusal(await post(url, '/workers/ack', { job_id: await take({ leases: true }) }), 409, 'conflict');
    expect((await post(url, '/workers/ack', { job_id: await take({}) })).status).toBe(200);
    expect((await post(url, '/workers/ack', { job_id: await take({ leases: false }), worker_id: 'w1' })).status).toBe(
      200,
    );
    expect((await post(url, '/workers/nack', { job_id: await take({}), error })).status).toBe(200);
    const wrong = await post(url, '/workers/fetch', { queues: ['default'], leases: 'yes' });
    expectRefusal(wrong, 400, 'invalid_request');
  });

  test('with requireLease every claim requires its lease', async () => {
    await using server = await serveClocked(storage.url(), { requireLease: true });
    const job = await fetchOne(server.url);
    expectRefusal(await post(server.url, '/workers/ack', { job_id: job.id, worker_id: 'w1' }), 409, 'conflict');
    expect((await post(server.url, '/workers/ack', { job_id: job.id, x_lease: job.x_lease })).status).toBe(200);
  });

  it('an ack with a worker_id alone settles no claim of another worker; of its own worker it settles the latest', async (server) => {
    const { url, bench } = server;
    const job = await fetchOne(url);
    const before = await bench.get(job.id);
    for (const path of ['/workers/ack', '/workers/nack'])
      expectRefusal(await post(url, path, { job_id: job.id, worker_id: 'w2', error }), 409, 'conflict');
    expect(await bench.get(job.id)).toEqual(before);
    await call(url, '/workers/nack', { job_id: job.id, worker_id: 'w1', requeue: true, error });
    await call(url, '/workers/fetch', { queues: ['default'], worker_id: 'w2' });
    expectRefusal(await post(url, '/workers/ack', { job_id: job.id, worker_id: 'w1' }), 409, 'conflict');
    // What docs/reference/http-workers.md names as the limit: the id does not tell one claim of the worker from the next.
    await call(url, '/workers/nack', { job_id: job.id, worker_id: 'w2', requeue: true, error });
    await call(url, '/workers/fetch', { queues: ['default'], worker_id: 'w1' });
    expect((await post(url, '/workers/ack', { job_id: job.id, worker_id: 'w1' })).status).toBe(200);
    expect(await bench.get(job.id)).toMatchObject({ state: State.completed, claim: 3 });
  });

  it('an ack that changes nothing is 200 for the lease that ended the job, with the same body, else 409', async (server) => {
    const { url, bench } = server;
    for (const [path, more] of [
      ['/workers/ack', { result: 1 }],
      ['/workers/nack', { error }],
      ['/workers/nack', { error, requeue: true }],
    ] as const) {
      const { id, x_lease } = await fetchOne(url, { leases: true });
      const own = { job_id: id, worker_id: 'w1', x_lease, ...more };
      const first = await post(url, path, own);
      expect(first.status).toBe(200);
      const after = await bench.get(id);
      bench.clock.advance(1);
      expect((await post(url, path, own)).text).toBe(first.text);
      const others = [{ x_lease: undefined }, { x_lease: 'c1' }, { x_lease: 'c1.AAAAAAAAAAA' }];
      for (const other of others) expectRefusal(await post(url, path, { ...own, ...other }), 409, 'conflict');
      if (path === '/workers/ack') expectRefusal(await post(url, path, { ...own, worker_id: 'w2' }), 409, 'conflict');
      expect(await bench.get(id)).toEqual(after);
      if (after.state !== State.completed) await call(url, `/jobs/${id}`, undefined, { method: 'DELETE' });
    }
  });
});

describe.each(storages.filter(({ name }) => name !== 'memory'))('the key of the leases on $name', (storage) => {
  test('every server of a store takes the leases of the others, also after a restart; another store takes none', async () => {
    const store = storage.name === 'sqlite' ? `sqlite:${join(temporaryDirectory(), 'jobs.db')}` : storage.url();
    await using one = await serveClocked(store);
    const jobs = [await fetchOne(one.url, { leases: true }), await fetchOne(one.url, { leases: true })] as const;
    const ack = ({ id, x_lease }: Fetched) => ({ job_id: id, x_lease });
    {
      await using two = await serveClocked(store);
      expect((await post(two.url, '/workers/ack', ack(jobs[0]))).status).toBe(200);
    }
    await one[Symbol.asyncDispose]();
    await using again = await serveClocked(store);
    expect((await post(again.url, '/workers/ack', ack(jobs[1]))).status).toBe(200);
    await using foreign = await serveClocked(storage.url());
    const job = { id: jobs[0].id, claim: 1 };
    expect(foreign.bench.engine.leases.of(job)).not.toBe(again.bench.engine.leases.of(job));
  });
});
