import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openStorage } from '../../server/src/storage/open.ts';
import { namespaceUrl, server } from '../../server/test/storage/redis/namespace.ts';
import { insert, newJob } from '../../server/test/storage/suite/tools.ts';

const main = new URL('../src/main.ts', import.meta.url).pathname;
const report = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [main, 'storage', 'report', ...args]);

test.skipIf(server === null)('ojs storage report counts keys and bytes of a Redis storage by kind', async () => {
  const url = namespaceUrl();
  await using storage = await openStorage(url);
  await storage.migrate();
  await insert(
    storage,
    Array.from({ length: 200 }, (_, number) => newJob(number, { envelope: `"${'x'.repeat(1000)}"` })),
  );
  const [table, json] = await Promise.all([report('--storage', url), report('--json', '--storage', url)]);
  const lines = table.stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^KIND +KEYS +BYTES$/);
  expect(lines[1]).toMatch(/^jobs +1 +[23]\d{5}$/);
  expect(lines.at(-1)).toMatch(/^all +\d+ +\d{6}$/);
  const { kinds, keys, bytes } = JSON.parse(json.stdout);
  expect(kinds).toHaveLength(lines.length - 2);
  expect(lines.at(-1)?.split(/ +/)).toEqual(['all', String(keys), String(bytes)]);
});

test('ojs storage report refuses a storage that is not Redis, with the reason', async () => {
  const refused = await report('--storage', 'sqlite:./jobs.db').catch(
    (error: { readonly code: number; readonly stderr: string }) => error,
  );
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toBe(
    "ojs storage report: The memory report needs a Redis store, got 'sqlite:./jobs.db'; expected a redis:// URL.\n",
  );
});
