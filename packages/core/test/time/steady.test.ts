import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdMs, type SteadyTime, steady, steadyFrom, stepMs, systemClock } from '../../src/index.ts';

const start = Date.UTC(2026, 0, 1);
const day = 86_400_000;

/** What a wall clock and a monotonic one show at each reading. */
type Reading = readonly [wall: number, monotonic: number];

function read(readings: readonly Reading[]): readonly SteadyTime[] {
  let time = steadyFrom(start, 0);
  return readings.map(([wall, monotonic]) => {
    time = steady(time, wall, monotonic);
    return time;
  });
}

/** Readings each second, with the wall clock off by `by`. */
function seconds(from: number, to: number, by = 0): Reading[] {
  return Array.from({ length: to - from }, (_, index) => {
    const monotonic = (from + index + 1) * 1_000;
    return [start + monotonic + by, monotonic];
  });
}

/** Steps of the wall clock, and for how long each holds. */
const walks = fc
  .array(
    fc.record({
      by: fc.oneof(fc.constant(0), fc.integer({ min: -2 * day, max: 2 * day })),
      pauses: fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 8 }),
    }),
    { maxLength: 12 },
  )
  .map((steps) => {
    let monotonic = 0;
    return steps.flatMap(({ by, pauses }) =>
      pauses.map((pause): Reading => {
        monotonic += pause;
        return [start + monotonic + by, monotonic];
      }),
    );
  });

describe('steady', () => {
  test('goes back only where a step back has held for a minute', () => {
    fc.assert(
      fc.property(walks, (readings) => {
        let before = steadyFrom(start, 0);
        for (const [wall, monotonic] of readings) {
          const after = steady(before, wall, monotonic);
          if (after.now < before.now) {
            expect(before.step).not.toBeNull();
            expect(monotonic - (before.step?.since ?? monotonic)).toBeGreaterThanOrEqual(holdMs);
            expect(after.now).toBe(wall);
          }
          before = after;
        }
      }),
    );
  });

  test('shows the time of a wall clock that has not stepped for a minute', () => {
    fc.assert(
      fc.property(walks, fc.integer({ min: -2 * day, max: 2 * day }), (readings, by) => {
        const from = (readings.at(-1)?.[1] ?? 0) / 1_000;
        const calm = seconds(Math.ceil(from), Math.ceil(from) + 62, by);
        expect(read([...readings, ...calm]).at(-1)?.now).toBe(calm.at(-1)?.[0]);
      }),
    );
  });

  test('a jump for less than a minute never shows more than the time that has passed', () => {
    fc.assert(
      fc.property(fc.integer({ min: stepMs + 1, max: 400 * day }), fc.integer({ min: 1, max: 59 }), (by, length) => {
        const readings = [...seconds(0, 30), ...seconds(30, 30 + length, by), ...seconds(30 + length, 120)];
        for (const [index, { now }] of read(readings).entries()) expect(now).toBe(start + (index + 1) * 1_000);
      }),
    );
  });

  test('after a step back time stands still until it is caught up with, at most for a minute', () => {
    const few = read([...seconds(0, 10), ...seconds(10, 80, -20_000)]).map(({ now }) => now - start);
    expect(few.slice(9, 30)).toEqual(Array.from({ length: 21 }, () => 10_000));
    expect(few.slice(30, 33)).toEqual([11_000, 12_000, 13_000]);
    const long = read([...seconds(0, 10), ...seconds(10, 80, -day)]).map(({ now }) => now - start);
    expect(new Set(long.slice(9, 70))).toEqual(new Set([10_000]));
    expect(long[70]).toBe(71_000 - day);
  });

  test('time stands still for no longer where the clock goes back again and again', () => {
    const readings = Array.from({ length: 13 }, (_, index) => seconds(index * 10, (index + 1) * 10, -index * 20_000));
    const times = read(readings.flat()).map(({ now }) => now - start);
    expect(times.slice(10, 70).every((now) => now === 10_000)).toBe(true);
    expect(times[70]).toBeLessThan(10_000);
  });

  test('small steps are followed at once, never backwards', () => {
    const times = read([...seconds(0, 5), ...seconds(5, 10, 900), ...seconds(10, 15, 100)]).map(
      ({ now }) => now - start,
    );
    expect(times.slice(4, 7)).toEqual([5_000, 6_900, 7_900]);
    expect(times.slice(9, 12)).toEqual([10_900, 11_100, 12_100]);
  });
});

test('the system clock tells of steps, once when seen and once when followed', () => {
  let [wall, monotonic] = [start, 0];
  const told: (readonly [string, number])[] = [];
  const listener = {
    seen: (by: number) => void told.push(['seen', by]),
    followed: (by: number) => void told.push(['followed', by]),
  };
  const clock = systemClock(
    listener,
    () => wall,
    () => monotonic,
  );
  const pass = (ms: number) => {
    wall += ms;
    monotonic += ms;
    return clock.now();
  };
  wall += day;
  pass(1_000);
  pass(59_000);
  expect(told).toEqual([['seen', day]]);
  expect(pass(1_000)).toBe(start + day + 61_000);
  wall -= day;
  pass(1_000);
  pass(60_000);
  expect(told.slice(1)).toEqual([
    ['followed', day],
    ['seen', -day],
    ['followed', -day],
  ]);
});
