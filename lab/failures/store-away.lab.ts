import { expect, test } from 'vitest';
import { freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import type { Instance } from '../../packages/server/test/support/instance.ts';
import { findPostgres, startPostgres } from '../../packages/server/test/support/postgres.ts';
import { findRedis, startRedis } from '../../packages/server/test/support/redis.ts';

const stores = [
  ...(findPostgres() === null ? [] : [{ name: 'PostgreSQL', start: startPostgres }]),
  ...(findRedis() === null ? [] : [{ name: 'Redis', start: startRedis }]),
];
/** What docs/operate/health.md leaves a server from SIGTERM to SIGKILL. */
const graceMs = 15_000;
const absences = stores.flatMap((store) => [
  { ...store, absence: 'is dead', leave: (instance: Instance) => instance.kill() },
  { ...store, absence: 'hangs', leave: (instance: Instance) => instance.freeze() },
]);

test.each(absences)(
  'a server whose store $absence ends in time on SIGTERM, $name',
  async ({ name, absence, start, leave }) => {
    await using store = await start();
    await using server = await serveOn(store.url, await freePort());
    await leave(store);
    // Told by the upkeep: calls wait for the store by now.
    const failed = () => server.errors.some((line) => line.includes('upkeep failed'));
    await expect.poll(failed, { timeout: 20_000 }).toBe(true);
    const from = performance.now();
    expect(await server.end('SIGTERM')).toBe(0);
    const took = performance.now() - from;
    console.log(`${name} ${absence}: ended after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(graceMs);
  },
);
