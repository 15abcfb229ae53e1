import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';
import { type DurableWorker, done, durableServer, type Fetched, sleeping } from '../workers/durable.ts';

const minute = 60_000;
const waiting = (name: string, number: number, more: object = {}) => ({
  ...{ name, kind: 'signal', state: 'open', number },
  ...more,
});
const over = (name: string, number: number) => ({ name, kind: 'signal', state: 'expired', number });
const waits = (...names: readonly string[]) => ({ waits: names.map((name) => ({ name, kind: 'signal' })) });

interface Sent {
  readonly status: number;
  readonly outcome?: string;
  readonly id: string;
  readonly job_id?: string;
  readonly error?: { readonly code: string };
}

interface Mailboxes {
  readonly mailboxes: readonly { readonly token: string; readonly unread: number }[];
  readonly pagination: object;
}

async function signal(w: DurableWorker, ...signals: readonly object[]): Promise<readonly Sent[]> {
  const { status, body } = await call<{ signals: readonly Sent[] }>(w.url, '/signals', { signals });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body.signals;
}

const post = ({ url }: DurableWorker, path: string, body: object) =>
  send(url, { method: 'POST', path, body: JSON.stringify(body) });

const outcomes = (sent: readonly Sent[]) => sent.map(({ outcome, error }) => outcome ?? error?.code);

/** A job whose handler waits, suspended, for a signal. */
async function suspendedJob(w: DurableWorker, name: string, more: object = {}): Promise<Fetched> {
  await w.enqueue();
  const job = await w.take();
  const item = await w.record(job, waiting(name, 1, more));
  expect(item.steps).toMatchObject([{ name, state: 'open' }]);
  expect((await w.suspend(job, waits(name))).body.state).toBe('retryable');
  return job;
}

describe.each(storages)('signals on $name', (storage) => {
  const it = testWith(() => durableServer(storage.url()));

  it('a suspended job that waits is woken, and its row has the payload until the worker reports the end', async ({
    w,
  }) => {
    const { id } = await suspendedJob(w, 'approval');
    expect((await w.job(id)).x_wait).toEqual([{ name: 'approval', kind: 'signal' }]);
    const sent = { job_id: id, name: 'approval', payload: { by: 'ann', n: 1.0 }, id: 's1' };
    expect(await signal(w, sent)).toEqual([{ status: 200, outcome: 'woken', id: 's1', job_id: id }]);
    expect(outcomes(await signal(w, sent))).toEqual(['repeated']);
    const next = await w.take();
    expect(next.attempt).toBe(1);
    expect(next.x_steps?.rows).toEqual([
      {
        ...{ name: 'approval', kind: 'signal', state: 'open', number: 1 },
        ...{ value: { by: 'ann', n: 1 }, arrived: true, due: true },
      },
    ]);
    const ended = await w.record(next, over('approval', 2));
    expect(ended.steps).toEqual([{ name: 'approval', state: 'done', value: { by: 'ann', n: 1 }, recorded: true }]);
    expect(await w.record(next, over('approval', 3))).toEqual(ended);
    expect((await w.steps(id)).steps).toMatchObject([{ name: 'approval', state: 'done', number: 2 }]);
    expect((await w.end(next)).status).toBe(200);
    expect(outcomes(await signal(w, { ...sent, id: 's2' }, sent))).toEqual(['job_ended', 'repeated']);
  });

  it('a signal before the wait is kept, and signals are read in order, also large ones', async ({ w }) => {
    const id = await w.enqueue();
    const large = 'y'.repeat(4_000);
    const to = { job_id: id, name: 'item' };
    expect(
      outcomes(
        await signal(w, { ...to, payload: large, id: 'a' }, { ...to, id: 'b' }, { ...to, payload: null, id: 'c' }),
      ),
    ).toEqual(['kept', 'kept', 'kept']);
    const job = await w.take();
    expect(job.x_steps).toEqual({ rows: [] });
    const item = await w.record(
      job,
      ...[1, 2, 3, 4].map((number) => waiting(`item ${number}`, number, { signal: 'item' })),
    );
    expect(item.steps).toEqual([
      { name: 'item 1', state: 'done', value: large, recorded: true },
      { name: 'item 2', state: 'done', recorded: true },
      { name: 'item 3', state: 'done', value: null, recorded: true },
      { name: 'item 4', state: 'open' },
    ]);
    expect(outcomes(await signal(w, { ...to, id: 'a' }, { ...to, id: 'd', payload: 4 }))).toEqual(['repeated', 'kept']);
    // The running execution was not told; its suspension finds the signal.
    const { body } = await w.suspend(job, waits('item 4'));
    expect(body.state).toBe('retryable');
    const next = await w.take();
    expect(next.x_steps?.rows.at(-1)).toMatchObject({ name: 'item 4', state: 'open', value: 4, due: true });
  });

  it('a timeout takes a signal that came first, and no later one', async ({ w, bench }) => {
    const job = await suspendedJob(w, 'answer', { ms: minute });
    expect((await w.job(job.id)).x_wait).toMatchObject([{ until: new Date(bench.clock.now() + minute).toISOString() }]);
    bench.clock.advance(minute);
    await bench.engine.upkeep.run();
    const second = await w.take();
    expect(second.x_steps?.rows).toMatchObject([{ name: 'answer', state: 'open', due: true }]);
    const to = { job_id: job.id, name: 'answer' };
    expect(outcomes(await signal(w, { ...to, payload: 'late but first', id: '1' }))).toEqual(['kept']);
    expect((await w.record(second, over('answer', 2))).steps).toMatchObject([
      { name: 'answer', state: 'done', value: 'late but first', recorded: true },
    ]);
    await w.record(second, waiting('more', 3, { signal: 'answer', ms: 0 }));
    expect((await w.record(second, over('more', 4))).steps).toMatchObject([{ name: 'more', state: 'expired' }]);
    expect(outcomes(await signal(w, { ...to, id: '2' }))).toEqual(['kept']);
    expect((await w.record(second, over('more', 5))).steps).toMatchObject([{ state: 'expired', recorded: true }]);
  });

  it('a token has one waiter; it is free after that waiter has left it or has ended', async ({ w }) => {
    const first = await suspendedJob(w, 'left', { token: 'left:42' });
    await w.enqueue();
    const other = await w.take();
    const refused = await w.record(other, waiting('left', 1, { token: 'left:42' }));
    expect([refused.status, refused.error]).toMatchObject([
      409,
      { code: 'token_taken', details: { job_id: first.id, token: 'left:42' } },
    ]);
    expect(await signal(w, { token: 'left:42', payload: 1, id: 'a' })).toMatchObject([
      { outcome: 'woken', job_id: first.id },
    ]);
    const woken = await w.take();
    expect(woken.id).toBe(first.id);
    await w.record(woken, over('left', 2), waiting('left again', 3, { token: 'left:42' }));
    expect(outcomes(await signal(w, { token: 'left:42', payload: 2, id: 'b' }))).toEqual(['kept']);
    // It waits for something else now.
    await w.suspend(woken, { waits: [{ name: 's', kind: 'sleep' }], steps: [sleeping('s', 4, minute)] });
    expect((await w.record(other, waiting('left', 1, { token: 'left:42' }))).steps).toMatchObject([
      { state: 'done', value: 2 },
    ]);
    await w.record(other, waiting('left 2', 2, { token: 'left:42' }));
    expect(outcomes(await signal(w, { token: 'left:42', payload: 3, id: 'c' }))).toEqual(['kept']);
    await w.end(other);
    expect(outcomes(await signal(w, { token: 'left:42', payload: 4, id: 'd' }))).toEqual(['job_ended']);
    await w.enqueue();
    const third = await w.take();
    // Mail from before the end of the last waiter is gone.
    expect((await w.record(third, waiting('left', 1, { token: 'left:42' }))).steps).toMatchObject([{ state: 'open' }]);
  });

  it('mail under a token expires, and goes with the mail of a waiter that was deleted', async ({ w, bench }) => {
    const to = { token: 'order:1' };
    await signal(w, { ...to, payload: 1, id: 'a', expires_in_ms: minute }, { ...to, payload: 2, id: 'b' });
    bench.clock.advance(minute);
    await w.enqueue();
    const job = await w.take();
    expect((await w.record(job, waiting('order', 1, to))).steps).toMatchObject([{ state: 'done', value: 2 }]);
  });

  it('upkeep removes expired mail, and the mailboxes of tokens that are needed for nothing more', async ({
    w,
    bench,
  }) => {
    const { records } = bench.engine.storage;
    const kept = async () => {
      await bench.engine.upkeep.run();
      const [boxes, mail] = await Promise.all(['mailboxes', 'mail'].map((kind) => records.scan(kind, { limit: 10 })));
      return [boxes?.map(({ key }) => key), mail?.map(({ key }) => key)];
    };
    await signal(
      w,
      { token: 'brief', payload: 1, id: 'a', expires_in_ms: minute },
      { token: 'long', payload: 2, id: 'b', expires_in_ms: minute },
      { token: 'long', payload: 3, id: 'c' },
      { token: 'read', payload: 4, id: 'd', expires_in_ms: 5 * minute },
    );
    await w.enqueue();
    const job = await w.take();
    await w.record(job, waiting('read', 1, { token: 'read' }), waiting('waits', 2, { token: 'waiter' }));
    expect(await kept()).toEqual([
      ['brief', 'long', 'read', 'waiter'],
      ['brief/a', 'long/b', 'long/c'],
    ]);
    bench.clock.advance(minute);
    expect(await kept()).toEqual([['long', 'read', 'waiter'], ['long/c']]);
    expect(outcomes(await signal(w, { token: 'read', id: 'd' }))).toEqual(['repeated']);
    bench.clock.advance(7 * 1_440 * minute);
    expect(await kept()).toEqual([['waiter'], []]);
    const { url } = w;
    await call(url, `/jobs/${job.id}`, undefined, { method: 'DELETE' });
    expect(await kept()).toEqual([['waiter'], []]);
    bench.clock.advance(400 * 1_440 * minute);
    await bench.engine.upkeep.run();
    expect(await kept()).toEqual([[], []]);
  });

  it('mailboxes are listed with what nobody has read: of a job beside its steps, under tokens in pages', async ({
    w,
    bench,
  }) => {
    const first = new Date(bench.clock.now()).toISOString();
    const waiter = await suspendedJob(w, 'paid', { token: 'order:2' });
    const to = { job_id: waiter.id, name: 'note' };
    await signal(w, { ...to, payload: 'secret', id: 'a' }, { token: 'order:1', id: 'a', expires_in_ms: minute });
    bench.clock.advance(1_000);
    await signal(w, { ...to, id: 'b' }, { token: 'order:1', id: 'b' }, { token: 'order:3', id: 'a' });
    const steps = await w.steps(waiter.id);
    expect(steps.mail).toEqual([{ name: 'note', unread: 2, oldest_at: first }]);
    const { body: later } = await call<object>(w.url, `/jobs/${waiter.id}/steps?after=1`);
    expect(later).toEqual({ steps: [], next: null });
    const list = async (query = '') => (await call<Mailboxes>(w.url, `/signals${query}`)).body;
    expect((await list()).mailboxes).toEqual([
      { token: 'order:1', unread: 2, oldest_at: first },
      { token: 'order:2', unread: 0, job_id: waiter.id, step: 'paid' },
      { token: 'order:3', unread: 1, oldest_at: new Date(bench.clock.now()).toISOString() },
    ]);
    bench.clock.advance(minute);
    const { mailboxes, pagination } = await list('?limit=2');
    expect([mailboxes.map(({ unread }) => unread), pagination]).toEqual([
      [1, 0],
      { limit: 2, has_more: true, next_cursor: 'order:2' },
    ]);
    const rest = await list('?limit=2&cursor=order:2');
    expect([rest.mailboxes.map(({ token }) => token), rest.pagination]).toEqual([
      ['order:3'],
      { limit: 2, has_more: false },
    ]);
    expectRefusal(await send(w.url, { method: 'GET', path: '/ojs/v1/signals?cursor=a%00b' }), 400, 'invalid_request');
  });

  it('a wake by hand ends a sleep, and makes a wait for a signal time out', async ({ w, bench }) => {
    await w.enqueue();
    const job = await w.take();
    await w.record(job, waiting('ok', 1));
    await w.suspend(job, {
      waits: [...waits('ok').waits, { name: 's', kind: 'sleep' }],
      steps: [sleeping('s', 2, minute)],
    });
    const wrong = await post(w, `/ojs/v1/admin/jobs/${job.id}/wake`, { names: ['okk'] });
    expectRefusal(wrong, 400, 'invalid_request');
    expect(wrong.text).toContain('Did you mean');
    const { status, body } = await call<{ state: string }>(w.url, `/admin/jobs/${job.id}/wake`, { names: ['s'] });
    expect([status, body.state]).toEqual([200, 'available']);
    const next = await w.take();
    expect(next.x_steps?.rows.map(({ name, due }) => [name, due])).toEqual([
      ['ok', undefined],
      ['s', true],
    ]);
    expectRefusal(await post(w, `/ojs/v1/admin/jobs/${job.id}/wake`, {}), 409, 'conflict');
    await w.suspend(next, waits('ok'));
    await call(w.url, `/admin/jobs/${job.id}/wake`, {});
    const last = await w.take();
    expect((await w.record(last, over('ok', 3))).steps).toMatchObject([{ state: 'expired' }]);
    expect(bench.clock.now()).toBeGreaterThan(0);
  });

  it('mailboxes go with their job', async ({ w, bench }) => {
    const id = await w.enqueue();
    await signal(w, { job_id: id, name: 'x', payload: 1, id: 'a' });
    const kinds = [`mailbox:${id}`, `mail:${id}`, `steps:${id}`];
    const count = async () => {
      const found = await Promise.all(kinds.map((kind) => bench.engine.storage.records.scan(kind, { limit: 10 })));
      return found.map(({ length }) => length);
    };
    expect(await count()).toEqual([1, 1, 0]);
    const job = await w.take();
    await w.record(job, done('a', 1));
    await w.end(job);
    expect(await count()).toEqual([1, 1, 1]);
    await call(w.url, '/jobs/bulk/delete', { job_ids: [id] });
    expect(await count()).toEqual([0, 0, 0]);
  });

  it('a signal beside a suspension is never lost', async ({ w }) => {
    for (let round = 0; round < 25; round++) {
      await w.enqueue();
      const job = await w.take();
      await w.record(job, waiting('go', 1));
      const [sent] = await Promise.all([
        signal(w, { job_id: job.id, name: 'go', payload: round, id: 'a' }),
        w.suspend(job, waits('go')),
      ]);
      expect(['woken', 'kept']).toContain(sent[0]?.outcome);
      const next = await w.take();
      expect([next.id, next.x_steps?.rows[0]?.value]).toEqual([job.id, round]);
      expect((await w.record(next, over('go', 2))).steps).toMatchObject([{ state: 'done', value: round }]);
      await w.end(next);
    }
  });

  it('wrong calls are refused by what is wrong', async ({ w }) => {
    const id = await w.enqueue();
    const refused = async (one: object) => (await post(w, '/ojs/v1/signals', { signals: [one] })).text;
    expect(await refused({ payload: 1 })).toMatch(/signals\[0\].job_id: is required, or a token/);
    expect(await refused({ token: 't', job_id: id })).toMatch(/excludes token/);
    expect(await refused({ job_id: id, name: 'n', expires_in_ms: 5 })).toMatch(/belongs to a token/);
    expect(await refused({ job_id: id, nmae: 'n' })).toMatch(/nmae/);
    const big = { job_id: id, name: 'n', payload: 'x'.repeat(1_048_577) };
    expect(outcomes(await signal(w, big, { job_id: 'nonsense', name: 'n' }))).toEqual(['step_too_large', 'not_found']);
    const job = await w.take();
    const wrong = { worker_id: 'w1', items: [{ job_id: id, x_lease: job.x_lease, steps: [] as object[] }] };
    const record = async (step: object) => {
      const items = [{ job_id: id, x_lease: job.x_lease, steps: [step] }];
      return (await post(w, '/ojs/v1/workers/steps', { ...wrong, items })).text;
    };
    expect(await record({ name: 'n', kind: 'signal', state: 'done', number: 1, value: 1 })).toMatch(/open or expired/);
    expect(await record({ name: 'n', kind: 'run', state: 'expired', number: 1 })).toMatch(/only a wait for a signal/);
    expect((await w.suspend(job, waits('n'))).status).toBe(400);
  });
});
