import { expect, test } from 'vitest';
import { nextRun, parseCron } from '../../src/cron/index.ts';
import { cpuMs } from '../support/cpu.ts';
import { dense, known, randomExpressions } from './expressions.ts';

/** In which every search goes as far as it can: dates that never are, and a time that is always in the missing hour. */
const hardest = [
  '0 0 30 2 *',
  '0 0 31 2,4,6,9,11 *',
  '0 0 L-30 2,4,6,9,11 *',
  '30 2 * 3 SUN#2',
  '59 59 2 * 3 SUN#2',
  '0 0 */28 2 1',
];

test('the next run of any expression takes less than 1 ms: median and p99, once warm', () => {
  const zones = ['UTC', 'America/New_York', 'Europe/London', 'Africa/Casablanca', 'Australia/Lord_Howe'];
  const schedules = [...known, ...dense, ...randomExpressions(200, 17), ...hardest].map((text) => parseCron(text));
  const start = Date.UTC(2026, 0, 1);
  const times: number[] = [];
  const hard: string[] = [];
  for (const schedule of schedules) {
    let slowest = 0;
    for (const zone of zones) {
      const own = Array.from({ length: 30 }, (_, round) =>
        cpuMs(() => nextRun(schedule, zone, start + round * 37 * 3_600_000)),
      ).slice(5);
      times.push(...own);
      slowest = Math.max(slowest, own.sort((a, b) => a - b)[12] ?? 0);
    }
    if (hardest.includes(schedule.expression)) hard.push(`${schedule.expression}: ${(slowest * 1000).toFixed(1)}`);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? Number.NaN) * 1000;
  console.log(
    `${times.length} searches: median ${at(0.5).toFixed(2)} µs, p99 ${at(0.99).toFixed(1)} µs, p99.9 ${at(0.999).toFixed(1)} µs`,
  );
  console.log(`the hardest, median µs in the slowest zone: ${hard.join(', ')}`);
  expect(at(0.5)).toBeLessThan(1000);
  expect(at(0.99)).toBeLessThan(1000);
});
