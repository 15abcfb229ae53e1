import { expect, test } from 'vitest';
import { openStorage } from '../../server/src/storage/open.ts';
import { namespaceUrl, server } from '../../server/test/storage/redis/namespace.ts';
import { insert, newJob } from '../../server/test/storage/suite/tools.ts';
import { Ojs } from './support/ojs.ts';

test.skipIf(server === null)('ojs storage report counts keys and bytes of a Redis storage by kind', async () => {
  const url = namespaceUrl();
  await using storage = await openStorage(url);
  await storage.migrate();
  await insert(
    storage,
    Array.from({ length: 200 }, (_, number) => newJob(number, { envelope: `"${'x'.repeat(1000)}"` })),
  );
  using ojs = new Ojs();
  const table = await ojs.run('storage', 'report', '--storage', url);
  const json = await ojs.run('storage', 'report', '--json', '--storage', url);
  const lines = table.output.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^KIND +KEYS +BYTES$/);
  expect(lines[1]).toMatch(/^jobs +1 +[23]\d{5}$/);
  expect(lines.at(-1)).toMatch(/^all +\d+ +\d{6}$/);
  const { kinds, keys, bytes } = JSON.parse(json.output);
  expect(kinds).toHaveLength(lines.length - 2);
  expect(lines.at(-1)?.split(/ +/)).toEqual(['all', String(keys), String(bytes)]);
});

test('ojs storage report refuses a storage that is not Redis, with the reason', async () => {
  using ojs = new Ojs();
  expect(await ojs.run('storage', 'report', '--storage', 'sqlite:./jobs.db')).toEqual({
    code: 1,
    output: '',
    errors:
      "ojs storage report: The memory report needs a Redis store, got 'sqlite:./jobs.db'; expected a redis:// URL.\n",
  });
});
