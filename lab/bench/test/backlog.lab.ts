import { expect, test } from 'vitest';
import type { ClaimFigure } from '../src/backlog/claims.ts';
import type { MemoryFigure } from '../src/backlog/memory.ts';
import { names } from '../src/backlog/situations.ts';
import { busyMs, report } from './report.ts';

interface Report {
  readonly figures: readonly ClaimFigure[];
  readonly server: MemoryFigure | null;
}

const small = ['--near', '100', '--far', '300', '--claims', '5', '--idle', '0', '--handled', '50'];

test.each(['memory:', 'sqlite:'])(
  'each claim behind a backlog gets its ten jobs: %s',
  async (storage) => {
    const { figures, server } = await report<Report>('backlog/main.ts', '--storage', storage, ...small);
    expect(figures.map(({ situation }) => situation)).toEqual(names);
    for (const { near, far } of figures)
      for (const { p50, p99 } of [near, far]) expect(p99).toBeGreaterThanOrEqual(p50);
    if (storage === 'memory:') expect(server).toBeNull();
    else if (process.platform === 'linux') expect(server?.peak).toBeGreaterThanOrEqual(server?.worked ?? Number.NaN);
  },
  busyMs,
);
