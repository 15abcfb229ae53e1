import { expect, test } from 'vitest';
import type { EventsFigure } from '../src/events/run.ts';
import { busyMs, report } from './report.ts';

interface Report {
  readonly series: readonly { readonly who: string; readonly answers: readonly EventsFigure[] }[];
}

test(
  'a drain without events, with them, and with a subscriber',
  async () => {
    const { series } = await report<Report>('events/main.ts', '--storage', 'memory:', '--jobs', '200', '--runs', '1');
    expect(series.map(({ who }) => who)).toEqual([
      'events off',
      'on',
      'on, subscriber',
      'on, subscriber without a rate',
    ]);
    for (const { answers } of series) {
      expect(answers).toHaveLength(1);
      expect(answers[0]?.jobsPerSecond).toBeGreaterThan(0);
      if (process.platform === 'linux') expect(answers[0]?.serverCpuUs).toBeGreaterThan(0);
    }
    const counts = series.map(({ answers }) => answers[0]?.counts?.events ?? null);
    expect(counts.slice(0, 2)).toEqual([null, null]);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(200);
  },
  busyMs,
);
