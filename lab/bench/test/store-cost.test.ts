import { expect, test } from 'vitest';
import type { Round } from '../src/store-cost/run.ts';
import { busyMs, report } from './report.ts';

interface Report {
  readonly figures: readonly { readonly kind: string; readonly rounds: readonly Round[] }[];
}

const small = ['--jobs', '300', '--insert', '100', '--singles', '20', '--batches', '10,100', '--rounds', '1'];

test(
  'each operation of a store has its cost a job, for each kind of job',
  async () => {
    const all = ['--kind', 'plain,limited,unique,workflow'];
    const { figures } = await report<Report>('store-cost/main.ts', '--storage', 'memory:', ...small, ...all);
    expect(figures.map(({ kind }) => kind)).toEqual(['plain', 'limited', 'unique', 'workflow']);
    for (const { rounds } of figures) {
      const names = rounds[0]?.costs.map(({ operation }) => operation);
      expect(names).toEqual(['insert 1', 'insert 100', 'claim and ack 10', 'claim and ack 100', 'upkeep']);
      for (const { storeUs } of rounds[0]?.costs ?? []) expect(storeUs).toBeGreaterThan(0);
    }
  },
  busyMs,
);
