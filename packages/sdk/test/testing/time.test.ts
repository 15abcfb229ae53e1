import { expect, onTestFinished, test, vi } from 'vitest';
import { Client, DuplicateJobError } from '../../src/index.ts';
import {
  allEnqueued,
  assertCompleted,
  assertEnqueued,
  assertJobState,
  drain,
  fakeMode,
  inlineMode,
  refuteEnqueued,
} from '../../src/testing/index.ts';

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

test('expiry and unique periods follow the time of the store', () =>
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

test('a clock that is not frozen continues from the moved time', () =>
  fakeMode(async (store) => {
    const before = Date.now();
    store.advanceTime('1d');
    const { createdAt } = await client.enqueue('a.job', []);
    expect((createdAt?.getTime() ?? 0) - before).toBeGreaterThanOrEqual(86_400_000);
    expect((createdAt?.getTime() ?? 0) - before).toBeLessThan(86_400_000 + 60_000);
  }));

test('a due cron fires once for several missed times, by its overlap policy', () =>
  fakeMode(async (store) => {
    store.registerHandler('report.send', () => null);
    store.freezeTime('2026-02-13T08:30:00Z');
    await client.registerCronJob('hourly', '0 * * * *', 'report.send', ['hourly'], { queue: 'reports' });
    await client.registerCronJob('late', '0 18 * * *', 'report.send', ['late'], { timezone: 'Europe/Berlin' });
    await client.registerCronJob('off', '* * * * *', 'report.send', ['off'], { enabled: false });
    store.advanceTime('29m');
    refuteEnqueued('report.send');
    store.advanceTime('1m');
    assertEnqueued('report.send', { args: ['hourly'], queue: 'reports', meta: { cron_name: 'hourly' }, count: 1 });

    // The run before has not ended.
    store.advanceTime('1h');
    expect(allEnqueued()).toHaveLength(1);
    expect(await drain()).toBe(1);
    store.advanceTime('8h');
    expect(allEnqueued().map(({ args }) => args[0])).toEqual(['hourly', 'hourly', 'late']);
    const [hourly, late] = (await client.listCronJobs()).items;
    expect(hourly).toMatchObject({ name: 'hourly', runCount: 2, nextRunAt: new Date('2026-02-13T19:00:00Z') });
    expect(late).toMatchObject({
      runCount: 1,
      lastRunAt: new Date('2026-02-13T18:00:00Z'),
      nextRunAt: new Date('2026-02-14T17:00:00Z'),
    });
  }));

test('crons do not fire by real time, nor in inline mode', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  await fakeMode(async (store) => {
    await client.registerCronJob('quick', '@every 1s', 'report.send');
    vi.setSystemTime(Date.now() + 3_600_000);
    refuteEnqueued('report.send');
    store.advanceTime(1);
    assertEnqueued('report.send', { count: 1 });
  });
  using store = inlineMode();
  store.registerHandler('a.job', () => null);
  await client.registerCronJob('quick', '@every 1s', 'report.send');
  store.advanceTime('1d');
  await client.enqueue('a.job', []);
  refuteEnqueued('report.send');
});
