import { describe, expect, test } from 'vitest';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Answer {
  readonly id: string;
  readonly deduplicated?: true;
  readonly job: { readonly id: string; readonly state: string; readonly args: unknown; readonly meta: object };
}

async function cancelled({ url }: ClockedServer, request: object): Promise<string> {
  const { body } = await call<Answer>(url, '/jobs', { type: 'a.b', args: [1], ...request });
  expect((await call(url, `/jobs/${body.id}`, undefined, { method: 'DELETE' })).status).toBe(200);
  return body.id;
}

function rerun({ url }: ClockedServer, id: string, body: object = {}, key?: string) {
  const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
  return call<Answer>(url, `/admin/jobs/${id}/rerun`, body, headers);
}

function refused({ url }: ClockedServer, id: string, body: object) {
  const path = `/ojs/v1/admin/jobs/${id}/rerun`;
  return send(url, { method: 'POST', path, body: JSON.stringify(body) });
}

describe.each(storages)('rerun, $name', (storage) => {
  test('a cancelled job runs again as a new one that names it; each finds the other', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const old = await cancelled(server, { meta: { tenant: 'acme' } });
    const { status, body } = await rerun(server, old, { args: [2] });
    expect(status).toBe(201);
    expect(body.id).not.toBe(old);
    expect(body.job).toMatchObject({ state: 'available', args: [2], meta: { tenant: 'acme', 'ojs.rerun_of': old } });
    const query = encodeURIComponent(`meta."ojs.rerun_of":${old}`);
    const found = await call<{ jobs: readonly object[] }>(url, `/jobs?q=${query}`);
    expect(found.body.jobs).toEqual([expect.objectContaining({ id: body.id })]);
    const { body: fetched } = await call<{ jobs: readonly object[] }>(url, '/workers/fetch', { queues: ['default'] });
    expect(fetched.jobs).toEqual([expect.objectContaining({ id: body.id, args: [2], attempt: 1 })]);
    expect((await call<Answer>(url, `/jobs/${old}`)).body.job).toMatchObject({ state: 'cancelled', args: [1] });
  });

  test('a repeated call with its key gets the same job; an id that is taken is refused', async () => {
    await using server = await serveClocked(storage.url());
    const [one, two] = [await cancelled(server, {}), await cancelled(server, {})];
    const first = await rerun(server, one, {}, 'key');
    const again = await rerun(server, one, {}, 'key');
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
    expect((await rerun(server, two, {}, 'key')).body.id).not.toBe(first.body.id);
    const id = newId();
    expect((await rerun(server, one, { id })).body.id).toBe(id);
    expectRefusal(await refused(server, one, { id }), 409, 'duplicate');
  });

  test('its unique policy admits it past ended jobs and refuses it beside an unfinished one', async () => {
    await using server = await serveClocked(storage.url());
    const policy = { keys: ['type', 'args'], states: ['available', 'cancelled'] };
    const old = await cancelled(server, { unique: policy });
    const { status, body } = await rerun(server, old);
    expect(status).toBe(201);
    const refusal = await refused(server, old, {});
    expectRefusal(refusal, 409, 'duplicate');
    expect(JSON.parse(refusal.text).error.details.existing_job_id).toBe(body.id);

    const ended = await cancelled(server, { args: [3], unique: { ...policy, states: ['cancelled'] } });
    expect((await rerun(server, ended)).status).toBe(201);
    const ignoring = await cancelled(server, { args: [4], unique: { keys: ['type', 'args'], on_conflict: 'ignore' } });
    const holder = await rerun(server, ignoring);
    expect((await rerun(server, ignoring)).body).toMatchObject({ id: holder.body.id, deduplicated: true });
  });

  test('a job that has not ended, an unknown one, a wrong change and a full queue are refused', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const waiting = await call<Answer>(url, '/jobs', { type: 'a.b', args: [] });
    expectRefusal(await refused(server, waiting.body.id, {}), 409, 'conflict');
    expectRefusal(await refused(server, newId(), {}), 404, 'not_found');
    const old = await cancelled(server, {});
    expectRefusal(await refused(server, old, { argz: [] }), 400, 'invalid_request');
    expectRefusal(await refused(server, old, { priority: 1_000 }), 400, 'invalid_request');
    const full = { max_size: 1, overflow_policy: 'reject' };
    expect((await call(url, '/queues/default/config', full, { method: 'PUT' })).status).toBe(200);
    expectRefusal(await refused(server, old, {}), 429, 'queue_full');
  });
});

test('new args must match the schema of the type', async () => {
  await using server = await serveClocked('memory:');
  const { url } = server;
  const old = await cancelled(server, {});
  const schema = { type: 'array', items: { type: 'number' } };
  expect((await call(url, '/schemas', { type: 'a.b', version: 1, schema })).status).toBe(201);
  expectRefusal(await refused(server, old, { args: ['x'] }), 400, 'schema_validation');
  expect((await rerun(server, old, { args: [5] })).status).toBe(201);
});

test('the audit log names both jobs, without arguments', async () => {
  await using server = await serveClocked('memory:');
  const old = await cancelled(server, {});
  const { body } = await rerun(server, old, { args: ['secret'], priority: 3 });
  const { body: log } = await call<{ items: readonly object[] }>(
    server.url,
    `/admin/audit?about=${old}&type=job.rerun`,
  );
  const request = { args: '[hidden]', priority: 3 };
  expect(log.items).toEqual([
    expect.objectContaining({
      outcome: 'success',
      detail: expect.objectContaining({ id: old, new_job_id: body.id, request }),
    }),
  ]);
});
