import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findPgbouncer, startPgbouncer } from '../../packages/server/test/support/pgbouncer.ts';
import { findPostgres, runOnPostgres, startPostgres } from '../../packages/server/test/support/postgres.ts';
import { address } from './address.ts';
import { Load } from './load.ts';

const pgbouncer = findPostgres() === null ? null : await findPgbouncer();
const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;

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

  test('a synchronous standby is away: no write is acknowledged, readiness says so, and it ends by itself', async () => {
    await using store = await pair({ synchronous: true });
    await using load = await Load.start(store.url);
    await store.standby.kill();
    const from = performance.now();
    await load.until(async () => (await load.health()).status === 503);
    const noticed = performance.now() - from;
    expect((await load.health()).body).toMatchObject({ checks: { writes: { status: 'fail' } } });
    // What was under way at the kill may have reached the standby.
    expect(load.acksAfter(from + 1_000)).toBe(0);
    await store.standby.restart();
    const back = await load.goesOn();
    await load.until(async () => (await load.health()).status === 200);
    const { lost } = await load.finish('PostgreSQL, synchronous standby away', store.primary.url);
    console.log(
      `Readiness was 503 after ${Math.round(noticed)} ms, and jobs were taken ${Math.round(back)} ms after its return.`,
    );
    expect(noticed).toBeLessThan(60_000);
    expect(lost).toEqual([]);
  });

  test('all sessions are terminated every half a second: no call gets 500', async () => {
    await using store = await startPostgres();
    await using load = await Load.start(store.url);
    for (let round = 0; round < 20; round++) {
      await runOnPostgres(store.url, terminate);
      await pause(500);
    }
    await load.goesOn();
    const { lost, longestMs } = await load.finish('PostgreSQL, sessions terminated', store.url);
    expect(lost).toEqual([]);
    expect([...load.answers.keys()].filter((status) => status !== null && status !== 503 && status >= 500)).toEqual([]);
    expect(longestMs).toBeLessThan(10_000);
  });

  test.skipIf(pgbouncer === null)('behind PgBouncer: sessions terminated, and PostgreSQL killed twice', async () => {
    await using store = await startPostgres();
    await using pooler = await startPgbouncer(pgbouncer ?? '', store.url, ['server_login_retry = 1']);
    await using load = await Load.start(`${pooler.url}?pgbouncer=true`);
    await runOnPostgres(store.url, terminate);
    await load.goesOn(100);
    for (let kill = 0; kill < 2; kill++) {
      await store.kill();
      await pause(500);
      await store.restart();
      await load.goesOn(100);
    }
    const { lost, longestMs } = await load.finish('PostgreSQL behind PgBouncer', store.url);
    expect(lost).toEqual([]);
    expect(longestMs).toBeLessThan(15_000);
  });
});
