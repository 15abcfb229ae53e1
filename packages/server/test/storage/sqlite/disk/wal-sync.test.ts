import { readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Connection } from '../../../../src/storage/sqlite/disk/connection.ts';
import { GroupCommit } from '../../../../src/storage/sqlite/disk/group-commit.ts';
import { type Files, files, WalSync } from '../../../../src/storage/sqlite/disk/wal-sync.ts';
import { sqliteStorage } from '../../../../src/storage/sqlite/sqlite.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { temporaryDirectory } from '../temporary.ts';

interface Bench {
  readonly file: string;
  readonly sql: Connection;
  /** Synchronisations that have begun and wait for the test. */
  readonly syncs: { readonly end: () => void; readonly fail: () => void }[];
  readonly opened: number[];
  readonly store: GroupCommit;
  /** Adds one to a row. */
  readonly count: () => Promise<number>;
  /** Resolves once so many synchronisations have begun. */
  readonly until: (begun: number) => Promise<void>;
}

/** The real file, whose synchronisations end when the test says so. */
async function openBench(journal: 'wal' | 'delete' = 'wal'): Promise<Bench> {
  const file = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path: file });
  await storage.migrate();
  const sql = new Connection(file, 'NORMAL');
  await storage[Symbol.asyncDispose]();
  sql.execute(`PRAGMA journal_mode = ${journal}; CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)`);
  const syncs: Bench['syncs'] = [];
  const opened: number[] = [];
  const watchers: (() => void)[] = [];
  const gated: Files = {
    ...files,
    async open(path, flags) {
      const descriptor = await files.open(path, flags);
      opened.push(descriptor);
      return descriptor;
    },
    async sync(descriptor) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      syncs.push({ end: resolve, fail: () => reject(new Error('EIO: i/o error, fdatasync')) });
      for (const watcher of watchers.splice(0)) watcher();
      await promise;
      await files.sync(descriptor);
    },
  };
  const store = new GroupCommit(sql, 1_000, false, new WalSync(sql, gated), () => {});
  onTestFinished(async () => {
    for (const sync of syncs) sync.end();
    await store.close();
    sql.close();
  });
  return {
    file,
    sql,
    syncs,
    opened,
    store,
    count: () => store.write((tx) => Number(tx.sql.value('UPDATE counter SET n = n + 1 RETURNING n'))),
    async until(begun) {
      while (syncs.length < begun) await new Promise<void>((resolve) => watchers.push(resolve));
    },
  };
}

/** Whether it is settled after everything that needs no disk. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('a write is answered once the WAL is on the disk, and so is a read that may show the change', async () => {
  const { file, count, syncs, opened, store, sql, until } = await openBench();
  const write = count();
  await until(1);
  expect(readlinkSync(`/proc/self/fd/${opened[0]}`)).toBe(`${file}-wal`);
  const read = store.read(() => sql.value('SELECT n FROM counter'));
  expect(await isSettled(write)).toBe(false);
  expect(await isSettled(read)).toBe(false);
  syncs[0]?.end();
  expect([await write, await read]).toEqual([1, 1]);
  expect(await store.read(() => sql.value('SELECT n FROM counter'))).toBe(1);
  expect(syncs).toHaveLength(1);
});

test('commits during a synchronisation share the next one', async () => {
  const { count, syncs, until } = await openBench();
  const first = count();
  await until(1);
  const second = count();
  expect(await isSettled(second)).toBe(false);
  const third = count();
  expect(await isSettled(third)).toBe(false);
  expect(syncs).toHaveLength(1);
  syncs[0]?.end();
  expect(await first).toBe(1);
  await until(2);
  expect(await isSettled(second), 'it was committed after the first had begun').toBe(false);
  syncs[1]?.end();
  expect(await Promise.all([second, third])).toEqual([2, 3]);
  expect(syncs).toHaveLength(2);
});

test('a transaction without changes does not wait', async () => {
  const { store, count, syncs, until } = await openBench();
  const write = count();
  await until(1);
  syncs[0]?.end();
  await write;
  expect(await store.write((tx) => tx.sql.value('SELECT n FROM counter'))).toBe(1);
  await store.write(() => {});
  expect(syncs).toHaveLength(1);
});

test('if the disk fails the write is rejected, and the next one moves the whole WAL into the file first', async () => {
  const { file, count, syncs, until } = await openBench();
  const failing = count();
  await until(1);
  syncs[0]?.fail();
  await expect(failing).rejects.toThrow(StoreUnavailable);
  await expect(failing).rejects.toThrow(/jobs\.db cannot be synchronised with its disk/);
  const next = count();
  await until(2);
  expect(statSync(`${file}-wal`).size, 'Linux takes the pages of a failed write for written').toBe(0);
  syncs[1]?.end();
  expect(await next).toBe(2);
});

test('after a failure writes are rejected while a reader keeps the WAL from moving into the file', async () => {
  const { file, count, syncs, until } = await openBench();
  const failing = count();
  await until(1);
  syncs[0]?.fail();
  await expect(failing).rejects.toThrow(StoreUnavailable);
  const reader = new Connection(file, 'NORMAL');
  reader.execute('BEGIN');
  reader.value('SELECT n FROM counter');
  await expect(count()).rejects.toThrow(StoreUnavailable);
  expect(syncs).toHaveLength(1);
  reader.execute('COMMIT');
  reader.close();
  const next = count();
  await until(2);
  syncs[1]?.end();
  expect(await next).toBe(3);
});

test('closing waits for the writes before', async () => {
  const { store, count, syncs, until } = await openBench();
  const write = count();
  await until(1);
  const closing = store.close();
  expect(await isSettled(closing)).toBe(false);
  syncs[0]?.end();
  await closing;
  expect(await write).toBe(1);
});

test('SQLite synchronises a file without a WAL itself', async () => {
  const { sql, count, syncs } = await openBench('delete');
  expect(await count()).toBe(1);
  expect(await count()).toBe(2);
  expect(syncs).toEqual([]);
  expect(sql.value('PRAGMA synchronous')).toBe(2);
});

test('after a failed synchronisation a transaction without changes waits for the next one', async () => {
  const { count, syncs, until, store } = await openBench();
  const lost = count();
  await until(1);
  syncs[0]?.fail();
  await expect(lost).rejects.toThrow(StoreUnavailable);
  const again = store.write((tx) => tx.sql.value('SELECT n FROM counter'));
  await until(2);
  expect(await isSettled(again)).toBe(false);
  syncs[1]?.end();
  expect(await again).toBe(1);
});
