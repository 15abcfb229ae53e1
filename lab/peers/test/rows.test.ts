import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bullmq } from '../src/bullmq.ts';
import { graphileWorker } from '../src/graphile-worker.ts';
import { pgBoss } from '../src/pg-boss.ts';

/** The first cells of the tables whose first column is the other library. */
function rowsOf(page: string, library: string): readonly string[] {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
  const tables = text.matchAll(new RegExp(`^\\| ${library} \\|.*\\n\\|[ -|]*\\n((?:\\|.*\\n)+)`, 'gm'));
  return [...tables].flatMap(([, rows = '']) => [...rows.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell));
}

test.each([
  { library: 'BullMQ', guide: bullmq },
  { library: 'pg-boss', guide: pgBoss },
  { library: 'graphile-worker', guide: graphileWorker },
])('every row of the guide from $library has a case, or a reason why it has none', ({ library, guide }) => {
  const rows = rowsOf(guide.page, library);
  const tested = new Set(guide.cases.flatMap((one) => one.rows));
  const untested = Object.keys(guide.untested);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.toSorted()).toEqual([...tested, ...untested].toSorted());
});
