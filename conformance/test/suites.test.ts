import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { afterAll, expect, inject, test } from 'vitest';
import { sharedCases } from '../../packages/core/test/support/shared.ts';
import { clearRedis, redisUrl } from '../../packages/server/test/support/redis.ts';
import { storages } from '../../packages/server/test/support/storages.ts';
import { loadSuite, type RunOptions } from '../src/index.ts';
import { runPatiently } from './patient.ts';

const own = fileURLToPath(new URL('../cases', import.meta.url));
const official = sharedCases('official conformance cases', 'OJS_SUITES', 'conformance/suites');

/** Runs cases on a server of their own. Returns how many there are, and the failures. */
async function run(storage: string, options: Pick<RunOptions, 'folders' | 'level' | 'parallel'>) {
  await using server = await startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });
  const { report, failures } = await runPatiently({ url: server.url, reset: true, ...options });
  return { count: report.cases.length, failures };
}

if (official !== null) {
  // Cases of level 2 wait for a cron that runs every minute. All the others, our own too, pass in that minute.
  for (const level of [2, 1, 3, 0, 4]) {
    test.concurrent.for(storages)(
      `official cases of level ${level} on $name`,
      { timeout: 600_000 },
      async ({ url }) => {
        const { count, failures } = await run(url(), { folders: [official], level });
        expect(count).toBeGreaterThan(0);
        expect(failures).toBe('');
      },
    );
  }
}

const redis = storages.some(({ name }) => name === 'redis') ? await redisUrl() : null;
const prefix = `${inject('testRun')}_${randomBytes(6).toString('hex')}.`;
/** All queues are outside of the home. */
const namespaces = {
  name: 'two namespaces of Redis',
  url: () => `${redis}?namespaces=${prefix}home:unused;${prefix}rest:*`,
  // Tokens are for jobs of the home.
  fails: ['OJS-L1-STP-020'],
};
afterAll(async () => {
  if (redis !== null) await clearRedis(redis, prefix);
});

test.concurrent.for([...storages, ...(redis === null ? [] : [namespaces])])(
  'our own cases on $name',
  { timeout: 600_000 },
  async ({ url, ...storage }) => {
    const { failures } = await run(url(), { folders: [own], parallel: 8 });
    if ('fails' in storage) expect(failures.match(/OJS-L\S+/g)).toEqual(storage.fails);
    else expect(failures).toBe('');
  },
);

test('each file has the right name and id', async () => {
  const { cases: found, broken } = await loadSuite(own);
  expect(broken).toEqual([]);
  expect(found.length).toBeGreaterThanOrEqual(280);
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  for (const one of found) {
    expect(one.file.split(/[\\/]/).slice(-3).join('/')).toBe(`level-${one.level}/${one.category}/${one.name}.json`);
    expect(one.id).toMatch(new RegExp(`^OJS-L${one.level}-[A-Z]{3}-\\d{3}$`));
  }
});
