import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';
import { DurableWorker, done, durableServer, sleeping } from './durable.ts';

const minute = 60_000;

describe.each(storages)('durable steps on $name', (storage) => {
  const it = testWith(() => durableServer(storage.url()));

  it('a later execution gets what an earlier one has recorded, in the order of records', async ({ w, bench }) => {
    const id = await w.enqueue();
    const first = await w.take();
    expect(first.x_steps).toBeUndefined();
    expect(await w.record(first, done('charge', 1, { id: 'ch_1' }))).toEqual({
      job_id: id,
      status: 200,
      steps: [{ name: 'charge', state: 'done' }],
    });
    await w.record(first, done('a "quoted" name', 2), done('book', 3, null));
    const { status, body } = await w.suspend(first, {
      waits: [{ name: 'cool down', kind: 'sleep' }],
      steps: [sleeping('cool down', 4, minute)],
    });
    expect([status, body.state, body.attempt]).toEqual([200, 'retryable', 0]);
    const end = new Date(bench.clock.now() + minute).toISOString();
    expect(body.next_attempt_at).toBe(end);
    expect((await w.job(id)).x_wait).toEqual([{ name: 'cool down', kind: 'sleep', until: end }]);
    expect(await w.fetch()).toEqual([]);

    bench.clock.advance(minute);
    await bench.engine.upkeep.run();
    const second = await w.take();
    expect(second.attempt).toBe(1);
    expect(second.x_steps).toEqual({
      rows: [
        { name: 'charge', kind: 'run', state: 'done', number: 1, value: { id: 'ch_1' } },
        { name: 'a "quoted" name', kind: 'run', state: 'done', number: 2 },
        { name: 'book', kind: 'run', state: 'done', number: 3, value: null },
        { name: 'cool down', kind: 'sleep', state: 'open', number: 4, until: end, due: true },
      ],
    });
    expect((await w.job(id)).x_wait).toBeUndefined();
    await w.record(second, { name: 'cool down', kind: 'sleep', state: 'done', number: 5 });
    expect((await w.end(second)).status).toBe(200);
    const { steps, next } = await w.steps(id);
    expect(steps.map(({ name, state, number }) => [name, state, number])).toEqual([
      ['charge', 'done', 1],
      ['a "quoted" name', 'done', 2],
      ['book', 'done', 3],
      ['cool down', 'done', 5],
    ]);
    expect(next).toBeNull();
  });

  it('the first outcome stays, and a repeated call is answered with it, also with a large value', async ({ w }) => {
    await w.enqueue();
    const job = await w.take();
    const large = 'x'.repeat(5_000);
    await w.record(job, done('a', 1, 1), done('b', 2, large));
    const again = await w.record(job, done('a', 7, 2), done('b', 8, 3), done('c', 9, 4));
    expect(again.steps).toEqual([
      { name: 'a', state: 'done', value: 1, recorded: true },
      { name: 'b', state: 'done', value: large, recorded: true },
      { name: 'c', state: 'done' },
    ]);
    const both = await Promise.all([1, 2, 3].map((value) => w.record(job, done('raced', 10, value))));
    const shown = both.map(({ steps }) => steps?.[0]?.recorded === true);
    expect(shown.filter((isRepeated) => !isRepeated)).toHaveLength(1);
    const [row] = (await w.steps(job.id, '?names=["raced"]')).steps;
    for (const { steps } of both) if (steps?.[0]?.recorded) expect(steps[0].value).toBe(row?.value);
  });

  it('a worker that has lost its job records and suspends nothing', async ({ w, bench, url }) => {
    const id = await w.enqueue();
    const lost = await w.take();
    await w.record(lost, done('a', 1, 1));
    await bench.engine.protocol.deregister('w1');
    const other = new DurableWorker(url, 'w2');
    const taken = await other.take();
    expect(taken.id).toBe(id);
    const item = await w.record(lost, done('b', 2, 2));
    expect([item.status, item.error?.code, item.steps]).toEqual([409, 'conflict', undefined]);
    const waits = { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 3, minute)] };
    expect((await w.suspend(lost, waits)).status).toBe(409);
    expect((await other.steps(id)).steps.map(({ name }) => name)).toEqual(['a']);
    expect((await other.record(taken, done('b', 2, 2))).status).toBe(200);
    const items = await other.recordAll([
      { job_id: 'nonsense', x_lease: 'x', steps: [done('a', 1)] },
      { job_id: taken.id, x_lease: taken.x_lease, steps: [done('c', 3)] },
      { job_id: taken.id, x_lease: lost.x_lease, steps: [done('d', 4)] },
    ]);
    expect(items.map(({ status }) => status)).toEqual([404, 200, 409]);
  });

  it('a repeated suspension is answered alike, even when the job runs again', async ({ w, bench }) => {
    const id = await w.enqueue();
    const job = await w.take();
    const waits = { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 1, minute)] };
    const first = await w.suspend(job, waits);
    bench.clock.advance(1_000);
    const again = await w.suspend(job, waits);
    expect([again.status, again.body.state, again.body.next_attempt_at]).toEqual([
      200,
      'retryable',
      first.body.next_attempt_at,
    ]);
    bench.clock.advance(minute);
    await bench.engine.upkeep.run();
    const next = await w.take();
    expect(next.id).toBe(id);
    expect((await w.suspend(job, waits)).body.next_attempt_at).toBe(first.body.next_attempt_at);
    expect((await bench.get(id)).claim).toBe(2);
    // A second suspension in the same step keeps the end of the first.
    const later = await w.suspend(next, waits);
    expect(later.body.next_attempt_at).toBe(first.body.next_attempt_at);
  });

  it('a failed try waits in its row, counts no attempt, and shows its error', async ({ w, bench }) => {
    const id = await w.enqueue({ retry: { max_attempts: 1 } });
    const error = { type: 'Declined', code: 'declined', message: 'card 12 declined', details: { a: 1.0 } };
    for (const tries of [1, 2]) {
      const job = await w.take();
      const nack = await w.suspend(job, {
        failed_steps: [{ name: 'charge', number: 1, tries, error, retry: { ms: 1_000 * tries } }],
      });
      expect([nack.status, nack.body.state, nack.body.attempt]).toEqual([200, 'retryable', 0]);
      const shown = await w.job(id);
      expect(shown.x_wait).toMatchObject([{ name: 'charge', kind: 'retry' }]);
      expect(shown.error).toMatchObject({ type: 'Declined', message: 'card 12 declined' });
      const until = new Date(bench.clock.now() + 1_000 * tries).toISOString();
      expect((await w.steps(id)).steps).toMatchObject([{ name: 'charge', state: 'open', tries, until, error }]);
      bench.clock.advance(1_000 * tries);
      await bench.engine.upkeep.run();
    }
    const { body } = await call<{ events: { type: string; data: Record<string, unknown> }[] }>(w.url, '/events');
    const retrying = body.events.filter(({ type }) => type === 'job.retrying').map(({ data }) => data);
    expect(retrying.map(({ step, step_attempt }) => [step, step_attempt])).toEqual([
      ['charge', 1],
      ['charge', 2],
    ]);
    const last = await w.take();
    const failed = { name: 'charge', kind: 'run', state: 'failed', number: 1, tries: 3, error };
    expect((await w.record(last, failed)).steps).toEqual([{ name: 'charge', state: 'failed' }]);
  });

  it('without a failed try a suspension has the event job.waiting, and no error of an earlier attempt', async ({
    w,
    bench,
  }) => {
    const id = await w.enqueue();
    await w.end(await w.take(), 'nack', { error: { message: 'boom' } });
    bench.clock.advance(10 * minute);
    await bench.engine.upkeep.run();
    const job = await w.take();
    await w.suspend(job, { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 1, minute)] });
    const groups = await call<{ total: number }>(w.url, '/admin/errors?state=retryable');
    expect(groups.body.total).toBe(0);
    const { body } = await call<{ events: { type: string; data: object }[] }>(w.url, '/events');
    expect(body.events.at(-1)).toMatchObject({ type: 'job.waiting', data: { job_id: id, waits: [{ name: 's' }] } });
    const explained = await call<{ reasons: { code: string; message: string }[] }>(w.url, `/admin/jobs/${id}/explain`);
    expect(explained.body.reasons[0]).toMatchObject({
      code: 'suspended',
      message: expect.stringContaining('sleep "s" until'),
    });
    // An ordinary failure afterwards is one again.
    bench.clock.advance(minute);
    await bench.engine.upkeep.run();
    await w.end(await w.take(), 'nack', { error: { message: 'boom' } });
    expect((await w.job(id)).x_wait).toBeUndefined();
    expect((await call<{ total: number }>(w.url, '/admin/errors?state=retryable')).body.total).toBe(1);
  });

  it('progress forgives earlier attempts: only failures without any use them up', async ({ w, bench }) => {
    const id = await w.enqueue({ retry: { max_attempts: 2, initial_interval: 'PT1S' } });
    const states: unknown[] = [];
    for (let round = 1; round <= 5; round++) {
      const job = await w.take();
      if (round <= 3) await w.record(job, done(`step ${round}`, round));
      states.push((await w.end(job, 'nack', { error: { message: 'boom' } })).body.state);
      bench.clock.advance(10 * minute);
      await bench.engine.upkeep.run();
      if (states.at(-1) === 'discarded') break;
    }
    expect(states).toEqual(['retryable', 'retryable', 'retryable', 'discarded']);
    // A retry by hand resumes, with a new round of attempts.
    await call(w.url, `/admin/jobs/${id}/retry`, {});
    const resumed = await w.take();
    expect(resumed.x_steps?.rows.map(({ name }) => name)).toEqual(['step 1', 'step 2', 'step 3']);
    expect((await w.end(resumed, 'nack', { error: { message: 'boom' } })).body.state).toBe('retryable');
    bench.clock.advance(10 * minute);
    await bench.engine.upkeep.run();
    expect((await w.end(await w.take(), 'nack', { error: { message: 'boom' } })).body.state).toBe('discarded');
  });

  it('a job with rows goes to workers with durable steps only', async ({ w, bench }) => {
    const id = await w.enqueue();
    const plain = await w.enqueue({ type: 'plain' });
    const job = await w.take({ count: 1 });
    await w.record(job, done('a', 1));
    await bench.engine.protocol.deregister('w1');
    expect((await w.fetch({ steps: false })).map((one) => one.id)).toEqual([plain]);
    expect(await w.job(id)).toMatchObject({ state: 'retryable', attempt: 0 });
    bench.clock.advance(5_000);
    await bench.engine.upkeep.run();
    expect((await w.take()).x_steps?.rows).toHaveLength(1);
  });

  it('what was sent is kept byte for byte', async ({ w }) => {
    const id = await w.enqueue();
    const job = await w.take();
    const value = '{"n":12345678901234567890.10,"s":"\\u00e9\\/", "codec":{"x":1e2}}';
    const body = `{"worker_id":"w1","items":[{"job_id":"${id}","x_lease":"${job.x_lease}","steps":[{"name":"a","kind":"run","state":"done","number":1,"value":${value}}]}]}`;
    await send(w.url, { method: 'POST', path: '/ojs/v1/workers/steps', body });
    const { text } = await send(w.url, { path: `/ojs/v1/jobs/${id}/steps` });
    expect(text).toContain(`"value":${value}`);
    await w.suspend(job, { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 2, 0)] });
  });

  it('values up to 1 KiB travel with the fetch, larger ones are asked for', async ({ w, bench }) => {
    const id = await w.enqueue();
    const job = await w.take();
    await w.record(job, done('small', 1, 'x'.repeat(1_000)), done('large', 2, 'y'.repeat(2_000)));
    await bench.engine.protocol.deregister('w1');
    expect((await w.take()).x_steps?.rows.map(({ value, bytes }) => [typeof value, bytes])).toEqual([
      ['string', undefined],
      ['undefined', 2_002],
    ]);
    const named = await w.steps(id, `?names=${encodeURIComponent('["large"]')}&values=all`);
    expect(named.steps).toMatchObject([{ name: 'large', value: 'y'.repeat(2_000) }]);
    expect((await w.steps(id, '?values=none')).steps.map(({ bytes }) => bytes)).toEqual([1_002, 2_002]);
    const page = await w.steps(id, '?limit=1');
    expect([page.steps.length, page.next]).toEqual([1, 1]);
    expect((await w.steps(id, '?after=1')).steps.map(({ name }) => name)).toEqual(['large']);
  });

  it('args of a job with rows stay', async ({ w, url }) => {
    const id = await w.enqueue();
    const job = await w.take();
    await w.record(job, done('a', 1));
    await w.suspend(job, { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 2, minute)] });
    const edit = (body: object) =>
      send(url, { method: 'PATCH', path: `/ojs/v1/admin/jobs/${id}`, body: JSON.stringify(body) });
    expectRefusal(await edit({ args: [2] }), 409, 'has_steps');
    expect((await edit({ priority: 5, meta: { a: 1 } })).status).toBe(200);
    expect((await w.steps(id)).steps).toHaveLength(2);
    expect((await w.job(id)).x_wait).toHaveLength(1);
  });

  it('a suspension beyond total_timeout discards the job at once', async ({ w }) => {
    const id = await w.enqueue({ total_timeout: 60 });
    const job = await w.take();
    const nack = await w.suspend(job, { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 1, 2 * minute)] });
    expect([nack.status, nack.body.state]).toEqual([200, 'discarded']);
    expect(await w.job(id)).toMatchObject({ state: 'discarded', error: { code: 'total_timeout' } });
    expect((await w.steps(id)).steps).toHaveLength(1);
  });

  it('refuses names of another kind, values that are too large, and unclear requests', async ({ w, url }) => {
    await w.enqueue();
    const job = await w.take();
    await w.record(job, done('a', 1));
    const kind = await w.record(job, done('b', 2), { name: 'a', kind: 'sleep', state: 'open', number: 3, ms: 1 });
    expect([kind.status, kind.error?.code]).toEqual([422, 'step_kind']);
    const large = await w.record(job, done('c', 2, 'x'.repeat(1_048_577)));
    expect([large.status, large.error?.code]).toEqual([413, 'step_too_large']);
    expect((await w.steps(job.id)).steps.map(({ name }) => name)).toEqual(['a']);
    const post = (step: object) =>
      send(url, {
        method: 'POST',
        path: '/ojs/v1/workers/steps',
        body: JSON.stringify({ worker_id: 'w1', items: [{ job_id: job.id, x_lease: job.x_lease, steps: [step] }] }),
      });
    const refused: readonly (readonly [object, string])[] = [
      [{ ...done('d', 1), vaule: 1 }, 'Did you mean value?'],
      [{ ...done('d', 1), kind: 'slep' }, 'Did you mean sleep?'],
      [{ ...done('d', 1), state: 'failed' }, 'error'],
      [done('', 1), 'name'],
      [done('d', 0), 'number'],
      [done('x'.repeat(129), 1), 'name'],
    ];
    for (const [step, text] of refused) {
      const answer = await post(step);
      expectRefusal(answer, 400, 'invalid_request');
      expect(answer.text).toContain(text);
    }
    for (const more of [
      { waits: [{ name: 's', kind: 'sleep' }] },
      { waits: [{ name: 's', kind: 'sleep', untill: 'x' }] },
      { waits: [] },
      { requeue: false, waits: [{ name: 's', kind: 'sleep' }], error: { message: 'm' } },
      { delay_ms: 5, waits: [{ name: 'a', kind: 'sleep' }] },
    ])
      expect((await w.suspend(job, more)).status).toBe(400);
  });
});
