import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { call } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Answer {
  readonly job: { readonly id: string; readonly args: readonly unknown[] };
  readonly workflow: { readonly id: string };
  readonly items: readonly { readonly job: { readonly id: string } }[];
  readonly error?: { readonly code: string };
}

/** A server, and calls of holders of its tokens that all have the same idempotency key. */
async function serveHolders(storage: string, tokens: readonly string[]) {
  const server = await serve({ storage, tokens });
  return {
    post: (token: string | null, path: string, body: unknown = {}) => {
      const headers = { 'idempotency-key': 'order-7', ...(token !== null && { authorization: `Bearer ${token}` }) };
      return call<Answer>(server.url, path, body, { method: 'POST', headers });
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const tokens = ['first-secret', 'other-secret'] as const;
const [first, other] = tokens;

describe.each(storages)('an idempotency key, $name', (storage) => {
  test('belongs to its token: another one with the same key gets jobs and workflows of its own', async () => {
    await using server = await serveHolders(storage.url(), tokens);
    const job = (of: string) => ({ type: 'a.b', args: [of] });
    const steps = (of: string) => ({ steps: [{ id: 's', ...job(of) }] });
    const mine = await server.post(first, '/jobs', job(first));
    const theirs = await server.post(other, '/jobs', job(other));
    expect([mine.status, theirs.status, theirs.body.job.args]).toEqual([201, 201, [other]]);
    expect(theirs.body.job.id).not.toBe(mine.body.job.id);
    expect((await server.post(first, '/jobs', job(first))).body.job.id).toBe(mine.body.job.id);
    expect((await server.post(other, '/jobs', job(other))).body.job.id).toBe(theirs.body.job.id);

    const flow = await server.post(first, '/workflows', steps(first));
    const otherFlow = await server.post(other, '/workflows', steps(other));
    expect([flow.status, otherFlow.status]).toEqual([201, 201]);
    expect(otherFlow.body.workflow.id).not.toBe(flow.body.workflow.id);
    expect((await server.post(first, '/workflows', steps(first))).body.workflow.id).toBe(flow.body.workflow.id);
  });

  test('of a bulk operation neither answers another token nor stands in its way', async () => {
    await using server = await serveHolders(storage.url(), tokens);
    const jobs = (of: string) => ({ jobs: [{ type: 'a.b', args: [of] }] });
    const mine = await server.post(first, '/jobs/bulk', jobs(first));
    const theirs = await server.post(other, '/jobs/bulk', jobs(other));
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.items[0]?.job.id).not.toBe(mine.body.items[0]?.job.id);
    expect((await server.post(first, '/jobs/bulk', jobs(first))).body).toEqual(mine.body);
    expect((await server.post(other, '/jobs/bulk', jobs(other))).body).toEqual(theirs.body);
    const conflict = await server.post(first, '/jobs/bulk', jobs('else'));
    expect(conflict).toMatchObject({ status: 409, body: { error: { details: { idempotency_key: 'order-7' } } } });
  });

  test('does not answer another token what a change of a job was answered', async () => {
    await using server = await serveHolders(storage.url(), tokens);
    const id = newId();
    await server.post(first, '/jobs', { id, type: 'a.b', args: [] });
    const cancel = (token: string) => server.post(token, `/jobs/${id}/cancel`);
    expect((await cancel(first)).status).toBe(200);
    expect((await cancel(other)).status).toBe(409);
    expect((await cancel(first)).status).toBe(200);
  });

  test('of a server without tokens is everybody’s', async () => {
    await using server = await serveHolders(storage.url(), []);
    const enqueued = await server.post(null, '/jobs', { type: 'a.b', args: [] });
    expect((await server.post('any-secret', '/jobs', { type: 'a.b', args: [] })).body.job.id).toBe(
      enqueued.body.job.id,
    );
  });
});
