import { ProtocolError } from '@ojs-ts/core';
import { startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../packages/server/src/binding/reply.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

/** Rules that no case can check, because a case runs step by step against one healthy server. */
describe.each(storages)('on $name', ({ url }) => {
  test('of many enqueues at once with one unique key exactly one creates the job (ojs-unique-jobs §14)', async () => {
    await using server = await startServer({ storage: url(), host: '127.0.0.1', port: 0, testMode: true, log: false });
    const push = async (on_conflict: string) => {
      const body = JSON.stringify({
        type: 'conf.race',
        args: [on_conflict],
        options: { unique: { keys: ['type', 'args'], on_conflict } },
      });
      const answer = await fetch(`${server.url}/ojs/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const { job } = (await answer.json()) as { readonly job?: { readonly id: string } };
      return { status: answer.status, id: job?.id };
    };
    const rejected = await Promise.all(Array.from({ length: 50 }, () => push('reject')));
    expect(rejected.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(rejected.filter(({ status }) => status === 409)).toHaveLength(49);

    const ignored = await Promise.all(Array.from({ length: 50 }, () => push('ignore')));
    expect(ignored.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(ignored.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(ignored.map(({ id }) => id)).size).toBe(1);
  });
});

test('503 has Retry-After', () => {
  const { status, headers } = refusal(
    new ProtocolError('backend_unavailable', 'The store is unreachable; try again.'),
    { requestId: 'r' },
  );
  expect(status).toBe(503);
  expect(headers).toEqual({ 'retry-after': '1' });
});
