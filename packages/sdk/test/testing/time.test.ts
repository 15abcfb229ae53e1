import { expect, test } from 'vitest';
import { Client, DuplicateJobError } from '../../src/index.ts';
import { assertCompleted, assertEnqueued, assertJobState, drain, fakeMode } from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');

test('a reminder is sent after 24 hours (ojs-testing §13.2)', () =>
  fakeMode(async (store) => {
    store.registerHandler('reminder.send', () => null);
    store.freezeTime('2026-02-13T10:00:00Z');
    const job = await client.enqueue('reminder.send', [{ user_id: 'u_123' }], { delay: 'PT24H' });
    assertEnqueued('reminder.send');
    assertJobState(job.id, 'scheduled');
    expect(job.scheduledAt).toEqual(new Date('2026-02-14T10:00:00Z'));
    expect(job.createdAt).toEqual(new Date('2026-02-13T10:00:00Z'));
    store.advanceTime('23h');
    expect(await drain()).toBe(0);
    store.advanceTime('PT1H');
    assertJobState(job.id, 'available');
    expect(await drain()).toBe(1);
    assertCompleted('reminder.send');
  }));

test('expiry, unique periods and a moved clock go by the time of the store', () =>
  fakeMode(async (store) => {
    store.registerHandler('a.job', () => null);
    store.freezeTime(new Date('2026-01-01T00:00:00Z'));
    const late = await client.enqueue('a.job', [1], { expiresAt: '2026-01-01T01:00:00Z' });
    const unique = { keys: ['type', 'args'], period: 'PT1H', states: ['available', 'completed'] } as const;
    await client.enqueue('a.job', [2], { unique });
    await expect(client.enqueue('a.job', [2], { unique })).rejects.toThrow(DuplicateJobError);
    store.advanceTime('1h');
    assertJobState(late.id, 'discarded');
    await client.enqueue('a.job', [2], { unique });
    expect(await drain()).toBe(2);
    expect(() => store.freezeTime('yesterday')).toThrow(/expected a Date/);
  }));

test('a clock that is not frozen goes on from where it was moved to', () =>
  fakeMode(async (store) => {
    const before = Date.now();
    store.advanceTime('1d');
    const { createdAt } = await client.enqueue('a.job', []);
    expect((createdAt?.getTime() ?? 0) - before).toBeGreaterThanOrEqual(86_400_000);
    expect((createdAt?.getTime() ?? 0) - before).toBeLessThan(86_400_000 + 60_000);
  }));
