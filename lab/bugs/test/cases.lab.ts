import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { storages } from '../../../packages/server/test/support/storages.ts';
import { passedWith, storageOf } from '../src/hunt.ts';
import { bugsOf } from '../src/index.ts';

const bugs = Object.keys(await bugsOf('cases'));
/** What was found on this commit is not looked for again. */
const commit = execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).trim();
const folder = new URL('../../../.tmp/lab/', import.meta.url);
const file = new URL(`bugs-${commit}.json`, folder);
const found = new Set<string>(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);

/** How many bugs a process plants, one after the other. Lua scripts are read once for all, so Redis has one a process. */
const atOnce = { redis: 1, memory: 20, sqlite: 20, postgres: 20 };

test.each(storages)('each bug of $name makes its cases fail', async ({ name, url }) => {
  const own = bugs.filter((bug) => storageOf(bug) === name);
  // A busy machine can make up for a delay that a bug made too short, so each bug has three tries.
  for (let round = 0; round < 3; round++) {
    const left = own.filter((bug) => !found.has(bug)).values();
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        for (let some = [...left.take(atOnce[name])]; some.length > 0; some = [...left.take(atOnce[name])]) {
          for (const [bug, passed] of await passedWith(some, url())) if (passed.length === 0) found.add(bug);
          mkdirSync(folder, { recursive: true });
          writeFileSync(file, JSON.stringify([...found]));
        }
      }),
    );
  }
  expect(own.filter((bug) => !found.has(bug))).toEqual([]);
  console.log(`${own.length} bugs of ${name} planted, all found`);
});

test('at least 200 bugs were planted', () => {
  console.log(`${bugs.length} bugs planted, ${found.size} found by their conformance cases`);
  expect(found.size).toBeGreaterThanOrEqual(200);
});
