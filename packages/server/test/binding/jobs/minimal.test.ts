import { openEmbedded } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { newId } from '../../support/ids.ts';

const job = (more: object = {}) => ({ id: newId(), type: 'a.b', args: [], ...more });
const later = { scheduled_at: '2100-01-01T00:00:00Z' };

/** Sends the jobs, and reads the answer. */
async function sent(operation: 'bulk.enqueue' | 'job.enqueueBatch', jobs: readonly object[], more: object = {}) {
  await using embedded = await openEmbedded('memory:');
  const body = JSON.stringify({ jobs, return: 'minimal', ...more });
  const first = await embedded.call({ operation, body });
  const again = await embedded.call({ operation, body });
  return { first: JSON.parse(first.text), again: JSON.parse(again.text), status: first.status };
}

describe('"return":"minimal" leaves out jobs that are as they were sent', () => {
  test('a bulk: only the others have items, whole', async () => {
    const jobs = [job(), job(later), job({ type: 'Wrong Type' }), job({ id: undefined }), job({ priority: 7 })];
    const { first, again, status } = await sent('bulk.enqueue', jobs);
    expect(status).toBe(207);
    expect(first).toMatchObject({ total: 5, succeeded: 4, failed: 1, created: 2 });
    expect(Date.parse(first.created_at)).toBeGreaterThan(Date.now() - 60_000);
    expect(first.items).toMatchObject([
      { index: 1, status: 'created', job: { state: 'scheduled', args: [] } },
      { index: 2, status: 'failed' },
      { index: 3, status: 'created', job: { state: 'available', args: [] } },
    ]);
    // What was there before is nobody's guess.
    expect(again).not.toHaveProperty('created');
    expect(again.items).toHaveLength(5);
  });

  test.each([
    ['expires_at counts from the clock of the server', { expires_at: '+PT1H' }],
    ['an unknown member is warned of', { priorty: 1 }],
  ])('a bulk: %s', async (_, more) => {
    const { first } = await sent('bulk.enqueue', [job(), job(more)]);
    expect(first).toMatchObject({ created: 1, items: [{ index: 1, status: 'created', job: { args: [] } }] });
  });

  test('a batch: all of them, or none', async () => {
    const { first } = await sent('job.enqueueBatch', [job(), job({ priority: 7 })]);
    expect(first).toEqual({ jobs: [], created: 2, created_at: expect.any(String), count: 2, enqueued: 2, failed: 0 });
    for (const other of [job(later), job({ id: undefined }), job({ pending: true })]) {
      const { first: whole } = await sent('job.enqueueBatch', [job(), other]);
      expect(whole).not.toHaveProperty('created');
      expect(whole.jobs).toHaveLength(2);
    }
  });

  test('other values of return mean what they did', async () => {
    const { first } = await sent('job.enqueueBatch', [job()], { return: 'all' });
    expect(first.jobs).toHaveLength(1);
    const bulk = await sent('bulk.enqueue', [job()], { return: 'job' });
    expect(bulk.first.items).toMatchObject([{ status: 'created', job: { args: [] } }]);
  });
});
