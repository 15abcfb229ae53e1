import { expect, test } from 'vitest';
import { dense, known, randomExpressions } from '../../packages/core/test/cron/expressions.ts';
import {
  type Change,
  changesOf,
  follow,
  followSkipped,
  leadMs,
  localOf,
  randomFrom,
  stretchOf,
  subjectOf,
} from '../../packages/core/test/cron/oracle.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const from = Date.UTC(2018, 0, 1);
const to = Date.UTC(2031, 0, 1);

const expressions = [...known, ...randomExpressions(500 - known.length, 2018)];
const tables = distinctTables();

/** One zone for each distinct list of offset changes from 2018 to 2030, and its offset. */
function distinctTables(): ReadonlyMap<string, readonly Change[]> {
  const found = new Map<string, readonly [zone: string, changes: readonly Change[]]>();
  for (const zone of [...Intl.supportedValuesOf('timeZone'), 'UTC']) {
    const changes = changesOf(zone, from, to);
    const { date, minute } = localOf(zone)(from);
    const table = JSON.stringify([date, minute, changes]);
    if (!found.has(table)) found.set(table, [zone, changes]);
  }
  return new Map(found.values());
}

const count = [...tables.values()].reduce((sum, changes) => sum + changes.length, 0);

test('the tables are those of the world, and nothing is repeated longer than the oracle looks back', () => {
  expect(tables.size).toBeGreaterThan(80);
  expect(count).toBeGreaterThan(900);
  for (const changes of tables.values()) for (const { shiftMs } of changes) expect(-shiftMs).toBeLessThan(leadMs);
});

test(`${expressions.length} expressions from 36 h before to 36 h after each of ${count} offset changes`, () => {
  const subjects = expressions.map((text) => subjectOf(text));
  let [runs, skipped] = [0, 0];
  for (const [zone, changes] of tables) {
    const local = localOf(zone);
    for (const { at } of changes) {
      const stretch = stretchOf(zone, at - 36 * hourMs, at + 36 * hourMs, leadMs, local);
      for (const subject of subjects) {
        runs += follow(subject, stretch);
        skipped += followSkipped(subject, stretch);
      }
    }
  }
  console.log(
    `${tables.size} tables, ${count} changes, ${expressions.length} expressions: ${runs} runs and ${skipped} skipped ones, no difference`,
  );
  expect(runs).toBeGreaterThan(0);
});

test('expressions of every second, 2 h around each change', () => {
  const subjects = dense.map((text) => subjectOf(text));
  let runs = 0;
  for (const [zone, changes] of tables) {
    const local = localOf(zone);
    for (const { at } of changes) {
      const stretch = stretchOf(zone, at - 2 * hourMs, at + 2 * hourMs, leadMs, local);
      for (const subject of subjects) runs += follow(subject, stretch);
    }
  }
  console.log(`${runs} runs of ${dense.length} dense expressions, no difference`);
});

test(`${expressions.length} expressions in 200 random stretches of 6 h of each of ${tables.size} tables`, () => {
  const subjects = expressions.map((text) => subjectOf(text));
  const random = randomFrom(91);
  let runs = 0;
  for (const zone of tables.keys()) {
    const local = localOf(zone);
    for (let n = 0; n < 200; n++) {
      const start = from + Math.floor((random() * (to - from)) / minuteMs) * minuteMs;
      const stretch = stretchOf(zone, start, start + 6 * hourMs, leadMs, local);
      for (const subject of subjects) runs += follow(subject, stretch);
    }
  }
  console.log(`${200 * tables.size} random stretches: ${runs} runs, no difference`);
  expect(runs).toBeGreaterThan(0);
});
