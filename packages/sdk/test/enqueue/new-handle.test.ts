import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { defineJob, type JobHandle, type JobRequest } from '../../src/index.ts';
import { openBench } from '../support/bench.ts';

const bench = await openBench();
afterAll(() => bench[Symbol.asyncDispose]());

const requests: readonly JobRequest[] = [
  { type: 'a.b', args: [] },
  {
    type: 'a.b',
    args: [{ to: 'ann', n: 2 ** 53 - 1 }, null],
    meta: { user: 7 },
    queue: 'mail',
    priority: -3,
    tags: ['x'],
  },
  { type: 'a.b', args: [1], timeout: '5s', retry: { maxAttempts: 9, initialInterval: '2s' }, enqueueTtl: '1h' },
  { type: 'a.b', args: [2], delay: '1h' },
  { type: 'a.b', args: [3], expiresAt: '2100-01-01T00:00:00Z', unique: { keys: ['type', 'args'] } },
];

/** A handle without what differs from job to job. */
function shown({ id: _, createdAt, enqueuedAt, scheduledAt, raw, ...rest }: JobHandle): object {
  const { id: __, created_at: ___, enqueued_at: ____, scheduled_at: _____, ...own } = raw;
  return { ...rest, own, dates: [createdAt, enqueuedAt, scheduledAt].map((date) => date instanceof Date) };
}

describe('a handle that is made from its own request', () => {
  test.each(requests)('has the fields of one that the server answered: %j', async (request) => {
    const { type, args, ...options } = request;
    const whole = await bench.client.enqueue(type, args, options);
    await whole.cancel();
    const [batched] = await bench.client.enqueueBatch([request]);
    if (batched === undefined) throw new Error('no handle');
    expect(shown(batched)).toEqual(shown(whole));
    expect(Object.keys(batched).toSorted()).toEqual(Object.keys(whole).toSorted());
    expect(Object.keys(batched.raw)).toEqual(Object.keys(whole.raw));
    expect(batched).toMatchObject({ ...(await batched.refresh()) });
    await batched.cancel();
  });

  test('has args and meta as they were sent, whatever the caller does to them afterwards', async () => {
    const args = [{ to: 'ann' }];
    const sending = bench.client.enqueueBatch([{ type: 'a.b', args }]);
    args.push({ to: 'eve' });
    const [handle] = await sending;
    expect(handle?.args).toEqual([{ to: 'ann' }]);
    expect(handle?.args).toBe(handle?.raw.args);
  });

  test('is copied, encoded and shown as any other', async () => {
    const [handle] = await bench.client.enqueueBatch([{ type: 'a.b', args: [{ to: 'ann' }] }]);
    expect({ ...handle }).toMatchObject({ args: [{ to: 'ann' }], meta: {}, raw: { args: [{ to: 'ann' }] } });
    expect(JSON.parse(JSON.stringify(handle))).toMatchObject({ state: 'available', args: [{ to: 'ann' }] });
    expect(structuredClone({ ...handle }).args).toEqual([{ to: 'ann' }]);
    expect(inspect(handle)).toMatch(/^JobHandle \{[\s\S]*args: \[ \{ to: 'ann' \} \]/);
  });

  test('has the output of a schema, and takes other args from middleware', async () => {
    const upper = defineJob('a.upper', { args: z.tuple([z.string().toUpperCase()]) });
    const [handle] = await bench.client.enqueueBatch([{ type: upper.type, args: ['ann'] }]);
    expect(Object.assign(handle ?? {}, { args: ['bob'] })).toMatchObject({ args: ['bob'], raw: { args: ['ann'] } });
    expect((await bench.client.enqueue(upper, ['ann'])).args).toEqual(['ANN']);
  });
});
