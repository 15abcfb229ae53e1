import { describe, expect, test } from 'vitest';
import { nextRun } from '../../src/cron/index.ts';
import { dense, known, randomExpressions } from './expressions.ts';
import { changesOf, follow, followSkipped, randomFrom, type Subject, stretchOf, subjectOf } from './oracle.ts';

// The whole world is in lab/random/cron.lab.ts; here are the odd corners of it.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const subjects = [...known, ...randomExpressions(60, 7)].map((text) => subjectOf(text, 2009, 2031));

describe('the runs are those of the oracle from 36 h before to 36 h after each change', () => {
  test.each([
    ['America/New_York', 2026, 2027],
    ['Europe/London', 2026, 2027],
    ['Australia/Lord_Howe', 2026, 2027], // half an hour
    ['Antarctica/Troll', 2026, 2027], // two hours
    ['Africa/Casablanca', 2026, 2027], // four changes a year, with Ramadan
    ['Africa/Cairo', 2026, 2027], // at midnight
    ['America/Santiago', 2026, 2027], // at the end of a day
    ['Asia/Pyongyang', 2018, 2019], // half an hour, once
    ['Antarctica/Casey', 2018, 2021], // three hours
    ['Asia/Gaza', 2026, 2027],
    ['Pacific/Apia', 2011, 2012], // a day that was not
  ])('%s, %d to %d', (zone, fromYear, toYear) => {
    const changes = changesOf(zone, Date.UTC(fromYear, 0, 2), Date.UTC(toYear, 0, 2));
    expect(changes.length).toBeGreaterThan(0);
    let runs = 0;
    for (const { at } of changes) {
      const stretch = stretchOf(zone, at - 36 * hourMs, at + 36 * hourMs);
      for (const subject of subjects) runs += follow(subject, stretch) + followSkipped(subject, stretch);
    }
    expect(runs).toBeGreaterThan(1000);
  });

  test('every second of a day with a change', () => {
    const stretch = stretchOf('America/New_York', Date.UTC(2026, 10, 1, 4), Date.UTC(2026, 10, 1, 8));
    for (const text of dense) expect(follow(subjectOf(text), stretch)).toBeGreaterThan(0);
  });
});

test('the days are those of the oracle from 2018 to 2066, with L, W, # and both day fields', () => {
  const random = randomExpressions(80, 11).map((text) => text.replace(/^\S+ (?=(\S+ ){5})/, ''));
  let days = 0;
  for (const text of [...known, ...random]) days += followDays(subjectOf(text, 2018, 2066), 2018, 2066);
  expect(days).toBeGreaterThan(100_000);
});

/** Compares the first run of each day, and answers how many days had one. */
function followDays({ reading, schedule, days }: Subject, fromYear: number, toYear: number): number {
  const minute = reading.minutes.indexOf(1);
  const end = Date.UTC(toYear + 1, 0, 1) / dayMs;
  let found = 0;
  for (let day = Date.UTC(fromYear, 0, 1) / dayMs; day < end; day++) {
    const expected = days.indexOf(1, day);
    const next = nextRun(schedule, 'UTC', day * dayMs - 1);
    if (expected === -1) {
      if (next !== null && next < end * dayMs)
        throw new Error(`${reading.text}: expected none, found ${new Date(next).toISOString()}`);
      break;
    }
    const at = expected * dayMs + minute * 60_000 + (reading.seconds[0] ?? 0) * 1000;
    if (next !== at) throw new Error(`${reading.text}: expected ${new Date(at).toISOString()}, found ${next}`);
    day = expected;
    found++;
  }
  return found;
}

test('random zones at random times', () => {
  const random = randomFrom(5);
  const zones = Intl.supportedValuesOf('timeZone');
  for (let n = 0; n < 60; n++) {
    const zone = zones[Math.floor(random() * zones.length)] ?? 'UTC';
    const from = Date.UTC(2018, 0, 1) + Math.floor(random() * 13 * 365 * 24 * 60) * 60_000;
    const stretch = stretchOf(zone, from, from + 6 * hourMs);
    for (const subject of subjects) follow(subject, stretch);
  }
});
