import { expect, test } from 'vitest';
import { Admin, Client } from '../../src/index.ts';
import { drain, fakeMode } from '../../src/testing/index.ts';

test('fake mode: the dead letter is searched, counted, retried with changes and purged', async () => {
  using store = fakeMode();
  store.registerHandler('a.job', () => {
    throw new TypeError('no good');
  });
  store.freezeTime('2026-01-01T00:00:00Z');
  const [client, admin] = [new Client(), new Admin()];
  const retry = { maxAttempts: 1, onExhaustion: 'dead_letter' } as const;
  const jobs = await client.enqueueBatch(
    ['one', 'two', 'three'].map((arg) => ({
      type: 'a.job',
      args: [arg],
      queue: arg === 'three' ? 'other' : 'mail',
      retry,
    })),
  );
  const [one = '', two = '', three = ''] = jobs.map(({ id }) => id);
  await drain();
  store.advanceTime('2h');
  const found = async (filter: Parameters<Admin['listDeadLetterJobs']>[0]) =>
    (await Array.fromAsync(await admin.listDeadLetterJobs(filter))).map(({ id }) => id).toSorted();
  expect(await found({})).toEqual([one, two, three].toSorted());
  expect(await found({ queue: 'mail', args: '"two"' })).toEqual([two]);
  expect(await found({ type: 'a.*', errorType: 'TypeError', olderThan: '1h' })).toHaveLength(3);
  expect(await found({ olderThan: '3h' })).toEqual([]);
  expect(await found({ since: '2026-01-01T00:00:01Z' })).toEqual([]);
  expect(await admin.deadLetterStats()).toMatchObject({
    total: 3,
    byQueue: { mail: 2, other: 1 },
    byErrorType: { TypeError: 3 },
  });
  expect(
    await admin.retryDeadLetterJob(one, { changes: { args: ['mended'], queue: 'again', retry: { maxAttempts: 7 } } }),
  ).toMatchObject({ state: 'available', args: ['mended'], queue: 'again', maxAttempts: 7 });
  expect(await admin.retryDeadLetterJobs([one, two])).toMatchObject({
    items: [{ ok: false }, { jobId: two, ok: true }],
  });
  expect(await admin.purgeDeadLetter({ queue: 'other' })).toMatchObject({ items: [{ jobId: three, ok: true }] });
  expect(await found({})).toEqual([]);
});
