import { expect, test } from 'vitest';
import { cpuMs, pssBytes, rssBytes, wakeUps } from '../src/process.ts';

test('a process has its CPU time, its wake-ups and its memory', () => {
  expect(cpuMs(process.pid)).toBeGreaterThan(0);
  expect(wakeUps(process.pid)).toBeGreaterThan(0);
  expect(pssBytes(process.pid)).toBeGreaterThan(rssBytes(process.pid) / 100);
  expect(wakeUps(2 ** 30)).toBeNaN();
});
