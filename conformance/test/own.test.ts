import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { storages } from '../../packages/server/test/support/storages.ts';
import { loadSuite } from '../src/index.ts';
import { runPatiently } from './patient.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));

test.each(storages)('our own cases on $name', { timeout: 600_000 }, async ({ url }) => {
  await using server = await startServer({ storage: url(), host: '127.0.0.1', port: 0, testMode: true, log: false });
  const { failures } = await runPatiently({ url: server.url, folders: [cases], reset: true, parallel: 8 });
  expect(failures).toBe('');
});

test('each file has the right name and id', async () => {
  const { cases: found, broken } = await loadSuite(cases);
  expect(broken).toEqual([]);
  expect(found.length).toBeGreaterThanOrEqual(280);
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  for (const one of found) {
    expect(one.file.split(/[\\/]/).slice(-3).join('/')).toBe(`level-${one.level}/${one.category}/${one.name}.json`);
    expect(one.id).toMatch(new RegExp(`^OJS-L${one.level}-[A-Z]{3}-\\d{3}$`));
  }
});
