import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findPostgres, runOnPostgres, startPostgres } from '../../../server/test/support/postgres.ts';
import { address } from './address.ts';
import { Load } from './load.ts';

/** A primary with a hot standby, and an address that leads to the primary. */
async function pair({ synchronous = false } = {}) {
  await using started = new AsyncDisposableStack();
  const primary = started.use(await startPostgres());
  const standby = started.use(await startPostgres({ standbyOf: primary }));
  if (synchronous) {
    await runOnPostgres(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    await runOnPostgres(primary.url, 'SELECT pg_reload_conf()');
  }
  const way = started.use(await address(primary.port));
  const kept = started.move();
  return {
    primary,
    standby,
    way,
    url: `postgres://postgres@127.0.0.1:${way.port}/postgres`,
    promote: () => runOnPostgres(standby.url, 'SELECT pg_promote()'),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

describe.skipIf(findPostgres() === null)('PostgreSQL', () => {
  test('a primary is killed, and its synchronous standby promoted', async () => {
    await using store = await pair({ synchronous: true });
    await using load = await Load.start(store.url);
    await store.primary.kill();
    await pause(1_000);
    await store.promote();
    store.way.lead(store.standby.port, 'cut');
    await load.goesOn();
    const { lost, longestMs } = await load.finish('PostgreSQL, primary killed', store.standby.url);
    expect(lost).toEqual([]);
    expect(longestMs).toBeLessThan(15_000);
  });

  test('an address leads to the standby for four seconds, and to the primary again', async () => {
    await using store = await pair();
    await using load = await Load.start(store.url);
    store.way.lead(store.standby.port, 'cut');
    await pause(4_000);
    // Connections to the standby stay open: nobody ends them.
    store.way.lead(store.primary.port, 'keep');
    await load.goesOn();
    const { lost, longestMs } = await load.finish('PostgreSQL, standby for 4 s', store.primary.url);
    expect(lost).toEqual([]);
    expect(longestMs).toBeLessThan(10_000);
  });

  test('a primary hangs, and the address leads to its promoted synchronous standby', async () => {
    await using store = await pair({ synchronous: true });
    await using load = await Load.start(store.url);
    await store.primary.freeze();
    await pause(500);
    await store.promote();
    store.way.lead(store.standby.port, 'keep');
    await load.goesOn();
    expect(store.way.connections(store.primary.port)).toBe(0);
    const { lost, longestMs } = await load.finish('PostgreSQL, primary hangs', store.standby.url);
    expect(lost).toEqual([]);
    expect(longestMs).toBeLessThan(15_000);
  });

  test('a standby is promoted beside a primary that lives on: only what it took before the move is lost', async () => {
    await using store = await pair();
    await using load = await Load.start(store.url);
    await store.promote();
    const from = performance.now();
    store.way.lead(store.standby.port, 'keep');
    await load.until(() => store.way.connections(store.primary.port) === 0);
    const moved = performance.now() - from;
    await load.goesOn();
    const { lost } = await load.finish('PostgreSQL, split brain', store.standby.url);
    console.log(`All connections had moved after ${Math.round(moved)} ms.`);
    expect(moved).toBeLessThan(10_000);
    expect(lost.filter((id) => (load.acknowledged.get(id)?.at ?? 0) > from + moved)).toEqual([]);
  });

  test('a URL names both servers, and the second one is promoted', async () => {
    await using store = await pair({ synchronous: true });
    const url = `postgres://postgres@127.0.0.1:${store.primary.port},127.0.0.1:${store.standby.port}/postgres?target_session_attrs=read-write`;
    await using load = await Load.start(url);
    await store.primary.kill();
    await pause(1_000);
    await store.promote();
    await load.goesOn();
    const { lost, longestMs } = await load.finish('PostgreSQL, two hosts in the URL', store.standby.url);
    expect(lost).toEqual([]);
    expect(longestMs).toBeLessThan(15_000);
  });
});
