import { expect, test } from 'vitest';
import { findPostgres, startPostgres } from '../../server/test/support/postgres.ts';
import { findRedis, startRedis } from '../../server/test/support/redis.ts';
import { freePort, serveOn } from './support/processes.ts';

const stores = [
  ...(findPostgres() === null ? [] : [{ name: 'PostgreSQL', start: startPostgres }]),
  ...(findRedis() === null ? [] : [{ name: 'Redis', start: startRedis }]),
];
/** What a server has from SIGTERM to SIGKILL in compose.yaml. */
const graceMs = 20_000;

test.concurrent.each(stores)('a server with an unreachable store ends in time on SIGTERM, $name', async ({ start }) => {
  await using store = await start();
  await using server = await serveOn(store.url, await freePort());
  await store.kill();
  // Told by the upkeep: calls wait for the store by now.
  const failed = () => server.errors.some((line) => line.includes('upkeep failed'));
  await expect.poll(failed, { timeout: 20_000 }).toBe(true);
  const from = performance.now();
  expect(await server.end('SIGTERM')).toBe(0);
  expect(performance.now() - from).toBeLessThan(graceMs);
});
