import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { afterAll, expect, inject, test } from 'vitest';
import { clearRedis, redisUrl } from '../../packages/server/test/support/redis.ts';
import { runPatiently } from './patient.ts';

const cases = fileURLToPath(new URL('../cases', import.meta.url));
const redis = await redisUrl();
const prefix = `${inject('testRun')}_${randomBytes(6).toString('hex')}.`;

afterAll(async () => {
  if (redis !== null) await clearRedis(redis, prefix);
});

test.skipIf(redis === null)(
  'our own cases on two namespaces of Redis, with all queues outside of the home',
  { timeout: 600_000 },
  async () => {
    const storage = `${redis}?namespaces=${prefix}home:unused;${prefix}rest:*`;
    await using server = await startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });
    const { failures } = await runPatiently({ url: server.url, folders: [cases], reset: true, parallel: 8 });
    expect(failures).toBe('');
  },
);
