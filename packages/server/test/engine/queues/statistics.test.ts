import { codeOf, type Histogram, type Measure } from '@ojs-ts/core/statistics';
import { describe, expect, test } from 'vitest';
import { type Bench, bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const minute = 60_000;
const hour = 60 * minute;

function counts(...durations: readonly (readonly [Measure, number])[]): Histogram {
  return Object.fromEntries(durations.map(([measure, ms]) => [codeOf(measure, ms), 1]));
}

/** Completes a job that waits and runs for so long. */
async function complete(
  { engine, clock, push, fetch }: Bench,
  waitMs: number,
  runMs: number,
  queue = 'q',
): Promise<void> {
  await push({ queue });
  clock.advance(waitMs);
  const [job] = await fetch({ queues: [queue] });
  clock.advance(runMs);
  await engine.protocol.settle({ kind: 'ack', id: job?.id ?? '', claim: null, worker: null, result: null });
}

describe.each(storages)('statistics on $name', ({ url }) => {
  test('are means and sums of the last hour', async () => {
    await using on = await bench(url());
    const { engine, clock } = on;
    await complete(on, 1_000, 200);
    await complete(on, 3_000, 400);
    await complete(on, 0, 50, 'other');
    expect(await engine.statistics.of('q')).toMatchObject({
      completedLastHour: 2,
      failedLastHour: 0,
      completedToday: 2,
      averageDurationMs: 300,
      averageWaitMs: 2_000,
      histogram: counts(['wait', 1_000], ['wait', 3_000], ['completed', 200], ['completed', 400]),
    });
    expect(await engine.statistics.all()).toMatchObject({
      completedLastHour: 3,
      averageWaitMs: 4_000 / 3,
      histogram: { ...counts(['wait', 1_000], ['wait', 3_000], ['wait', 0]), [codeOf('completed', 50)]: 1 },
    });
    expect(
      [...(await engine.statistics.each(['other', 'q']))].map(([name, own]) => [name, own.completedToday]),
    ).toEqual([
      ['other', 1],
      ['q', 2],
    ]);
    expect(await engine.statistics.of('nobody')).toMatchObject({
      completedLastHour: 0,
      averageDurationMs: null,
      averageWaitMs: null,
      throughputPerSecond: 0,
    });
    clock.advance(hour + 2 * minute);
    expect(await engine.statistics.all()).toMatchObject({ completedLastHour: 0, averageDurationMs: null });
    expect(await engine.statistics.of('q')).toMatchObject({
      completedLastHour: 0,
      completedToday: 2,
      averageDurationMs: null,
    });
  });

  test('are read again after a second, and not before', async () => {
    await using on = await bench(url());
    const { engine, clock } = on;
    expect((await engine.statistics.of('q')).completedLastHour).toBe(0);
    await complete(on, 0, 100);
    expect((await engine.statistics.of('q')).completedLastHour).toBe(0);
    clock.advance(900);
    expect((await engine.statistics.of('q')).completedLastHour).toBe(1);
  });

  test('count what fails, and the throughput of the last minutes', async () => {
    await using on = await bench(url());
    const { engine, clock, start } = on;
    // To the beginning of a minute.
    clock.advance(minute - (clock.now() % minute));
    const job = await start('w1', { queue: 'q', retry: { maxAttempts: 1 } });
    const failure = { code: 'x', type: 'x', message: 'x', retryable: false, names: [] };
    await engine.protocol.settle({ kind: 'fail', id: job.id, claim: null, worker: null, failure });
    for (let index = 0; index < 30; index++) await complete(on, 0, 1_000);
    clock.advance(30_000);
    expect(await engine.statistics.of('q')).toMatchObject({
      completedLastHour: 30,
      failedLastHour: 1,
      throughputPerSecond: 30 / 60,
    });
  });

  test('of today begin at midnight, whatever was read before', async () => {
    await using watched = await bench(url());
    await using unwatched = await bench(url());
    for (const on of [watched, unwatched]) {
      const { engine, clock } = on;
      // 90 minutes before midnight, UTC.
      clock.advance(24 * hour - (clock.now() % (24 * hour)) - 90 * minute);
      for (let step = 0; step < 36; step++) {
        await complete(on, 0, 1_000);
        clock.advance(5 * minute - 1_000);
        if (on === watched) await engine.statistics.of('q');
      }
    }
    // 36 steps of 5 minutes are 3 hours: 90 minutes of each day.
    for (const { engine } of [watched, unwatched]) {
      expect(await engine.statistics.of('q')).toMatchObject({ completedToday: 18, completedLastHour: 12 });
    }
  });
});
