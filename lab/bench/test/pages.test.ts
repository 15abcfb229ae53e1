import { describe, expect, test } from 'vitest';
import { latencyReport } from '../src/latency/report.ts';
import type { Origin } from '../src/ledger.ts';
import { bendsOf, bendsReport } from '../src/page/bends.ts';
import { chartSvg, scaleOf } from '../src/page/chart.ts';
import { scalePage } from '../src/page/scale.ts';
import { peersReport } from '../src/peers/report.ts';
import type { Figure } from '../src/run.ts';
import { scaleCharts, scaleReport } from '../src/scale/report.ts';
import type { Cpu } from '../src/task.ts';

const origin: Origin = {
  commit: '0123abcd',
  day: '2026-01-31',
  machine: 'A machine',
  busy: false,
  command: 'npm run x',
};

function rate(jobsPerSecond: number, cpu: Cpu): Figure {
  return { kind: 'rate', jobsPerSecond, cpu, durability: 'on disk', memoryBytes: 3 * 2 ** 20 };
}

describe('peers', () => {
  const series = (ours: number, theirs: number) => [
    { who: 'http', figures: [rate(ours, { own: 10, server: 20, store: 30 })] },
    { who: 'plainjob', figures: [rate(theirs, { own: 100, store: 200 })] },
  ];
  const contest = { ours: 'sqlite', theirs: 'sqlite', jobs: 100, origin } as const;
  const text = peersReport([
    { ...contest, scenario: 'drain-100', syncMs: 0.25, series: series(3_000, 1_000) },
    { ...contest, scenario: 'drain-100-deleting', series: series(500, 1_000) },
  ]);

  test('have speed, CPU time and memory, and a second table of deletion', () => {
    expect(text).toMatch(
      /\| drain-100 +\| http +\| +3,000 \| 3,000–3,000 \| +0.060 \| +0.010 \| +0.020 \| 0.030 \| 3.0 \|/,
    );
    expect(text).toMatch(/\| drain-100 +\| plainjob +\| +1,000 .*0.300 \| +0.100 \| + \| 0.200 \|/);
    const [, deleting = ''] = text.split('Both sides remove');
    expect(deleting).toMatch(/\| drain-100-deleting \| http +\| +500 /);
  });

  test('say how a peer was set up when its figures were taken', () => {
    const old = { ...contest, scenario: 'batch', setUps: { plainjob: 'slowly' }, series: series(3_000, 1_000) };
    expect(peersReport([old])).toContain('Set up: slowly. Removes');
    const both = peersReport([old, { ...contest, scenario: 'enqueue', series: series(1, 1) }]);
    expect(both).toMatch(/Set up: slowly \(batch\)\. Or: poll of 5 ms.* \(enqueue\)\. Removes/);
  });

  test('have ratios with their targets, and the origin', () => {
    expect(text).toMatch(/\| drain-100 +\| http \/ plainjob \| +3.00 \| at least 4: MISSED \|/);
    expect(text).toMatch(/\| drain-100-deleting \| http \/ plainjob \| +0.50 \|/);
    expect(text).toContain('- CPU of drain-100, http: 60.0 µs a job, wanted less than the 300.0 of plainjob: met.');
    expect(text).toContain('- drain-100: the disk took 0.25 ms to write and synchronise 4 KiB.');
    expect(text).toContain('- drain-100, drain-100-deleting: `npm run x` at 0123abcd, 2026-01-31. A machine.');
  });
});

const paced: Figure = {
  ...{ kind: 'paced', p50: 1, p99: 2, p999: 3, max: 4, behind: null },
  ...{ durability: 'on disk', memoryBytes: null },
};
const half = { kind: 'redis', who: 'http', load: 'half', rate: 500, seconds: 60, capacity: 1_000, origin } as const;

test('latencies are of a load or of half of the capacity', () => {
  const behind: Figure = { ...paced, behind: 'a lot' };
  const steady = { ...half, load: 'steady', rate: 2_000, capacity: null } as const;
  const text = latencyReport([
    { ...steady, figures: [behind] },
    { ...half, figures: [paced] },
  ]);
  expect(text).toMatch(/\| Redis +\| http +\| 2,000 jobs\/s, not kept up with \| +1.00 \| +2.00 \| +3.00 \| +4.00 \|/);
  expect(text).toMatch(/\| Redis +\| http \| +1,000 \| +500 \| +1.00 \|/);
});

describe('scale', () => {
  const cost = (nodeUs: number) => ({ nodeUs, storeUs: 1, callMs: 1 });
  const waiting = (x: number, claim: number) => ({
    ...({ kind: 'sqlite', curve: 'waiting', x, origin } as const),
    point: {
      costs: { enqueue: cost(1), claim: cost(claim), ack: cost(1), list: cost(1), page: cost(1) },
      ...{ bytes: x * 2 ** 20, memoryBytes: null },
    },
  });
  const servers = {
    kind: 'redis',
    curve: 'servers',
    x: 2,
    figure: rate(7_000, { own: 1, server: 1, store: 1 }),
    origin,
  } as const;
  const points = [waiting(10_000, 9), waiting(1_000, 4), servers];

  test('names each bend, and what the largest store takes', () => {
    const text = scaleReport(points);
    expect(text).toContain('- **Not explained yet.**\n  - claim, waiting, SQLite: ×2.0 (1,000 to 10,000)\n');
    expect(text).not.toContain('ack, waiting');
    expect(text).toMatch(/\| SQLite +\| waiting \| +10,000 \| +10000.0 \| +\|/);
    expect(text).toContain('![Curves: waiting](curves/waiting.svg)');
  });

  test('has a chart for each curve', () => {
    const charts = scaleCharts(points);
    expect(Object.keys(charts)).toEqual(['waiting', 'drain']);
    const claim = charts.waiting?.panels.find(({ title }) => title === 'claim');
    expect(claim?.lines).toEqual([
      {
        name: 'SQLite',
        points: [
          { x: 1_000, y: 5 },
          { x: 10_000, y: 10 },
        ],
      },
    ]);
  });

  test('tells a transaction’s claims and sizes', () => {
    const point = {
      seconds: 600,
      before: { claimMs: 2, storeUs: 100 },
      during: [
        { claimMs: 3, storeUs: 150 },
        { claimMs: 5, storeUs: 120 },
      ],
      bytesBefore: 2 ** 20,
      bytesMost: 2 ** 22,
      bytesAfter: [2 ** 21],
    };
    const text = scaleReport([{ kind: 'postgres', curve: 'transaction', x: 1, point, origin }]);
    expect(text).toContain('at most 5.00 ms beside it: 2.50 times, wanted at most 2.');
    expect(text).toContain('takes 100 µs of CPU a job before it, and at most 150 µs beside it: 1.50 times.');
    expect(text).toContain('from 1.0 to 4.0 MiB. After its end they have 2.0 MiB');
  });

  test('is jobs a second, of new or warm servers, and nothing that is calculated', () => {
    const text = scalePage({ latency: [{ ...half, figures: [paced] }], scale: [servers] });
    expect(text).toMatch(/\| Redis \| http \| +1,000 \|/);
    expect(text).not.toMatch(/arithmetic|million/);
    expect(text).toMatch(/\| Redis \| 2 +\| new +\| +7,000 \|/);
    const warm = scalePage({ latency: [], scale: [{ ...servers, warm: true }] });
    expect(warm).toMatch(/\| Redis \| 2 +\| warm +\| +7,000 \|/);
  });
});

describe('curves', () => {
  const line = (...values: number[]) => [{ name: 'Redis', points: values.map((y, index) => ({ x: 10 ** index, y })) }];

  test('bend where they get worse by more than half', () => {
    const bends = bendsOf('ack', line(10, 14, 30, 60), 'up');
    expect(bends).toMatchObject([
      { curve: 'ack, Redis', from: 10, to: 100 },
      { curve: 'ack, Redis', from: 100, to: 1_000 },
    ]);
    expect(bendsOf('drain', line(10, 14, 7), 'down')).toHaveLength(1);
    expect(bendsReport(bends)).toBe('- **Not explained yet.**\n  - ack, Redis: ×2.1 (10 to 100), ×2.0 (100 to 1,000)');
  });

  test('have logarithmic axes around their values', () => {
    const { at, ticks } = scaleOf([3, 300], 0, 100);
    expect(ticks).toEqual([10, 100]);
    expect(scaleOf([3, 30], 0, 100).ticks).toEqual([2, 5, 10, 20, 50]);
    expect(at(2)).toBe(0);
    expect(at(500)).toBe(100);
    expect(at(10) - at(5)).toBeCloseTo(at(100) - at(50));
  });

  test('are an SVG with a dot for each value', () => {
    const panel = { title: 'a < b', x: 'jobs', y: 'µs', lines: line(10, 100, 1_000) };
    const svg = chartSvg({ title: 'Costs', panels: [panel, panel] });
    expect(svg.match(/<circle/g)).toHaveLength(6);
    expect(svg).toContain('a &lt; b');
    expect(svg).not.toContain('NaN');
  });
});
