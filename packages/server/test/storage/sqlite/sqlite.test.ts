import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { State } from '@ojs-ts/core/job';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStorage } from '../../../src/storage/open.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { claim, claimOne, idOf, insert, move, newJob, queue, t0, to } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

/** The number of the newest file in sql/sqlite. */
const layout = 4;

test('a reopened store has its seed, its positions and its order', async () => {
  const url = `sqlite:${join(temporaryDirectory(), 'jobs.db')}`;
  const seed = await (async () => {
    await using storage = await openStorage(url);
    expect(await storage.migrate()).toEqual({ from: 0, to: layout });
    await insert(storage, [newJob(3), newJob(2)]);
    return storage.seed();
  })();
  await using storage = await openStorage(url);
  expect(await storage.migrate()).toEqual({ from: layout, to: layout });
  expect(await storage.seed()).toBe(seed);
  await insert(storage, [newJob(1)]);
  expect((await claim(storage, { limit: 9 })).map(({ id }) => id)).toEqual([3, 2, 1].map(idOf));
  expect((await storage.events(0, 99)).newest).toBe(6);
});

test('an answered insert is in the file while the storage is open', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  const other = new DatabaseSync(path, { readOnly: true });
  expect(other.prepare('SELECT id FROM ojs_jobs').get()).toEqual({ id: idOf(1) });
  other.close();
});

test('two storages that migrate one file at once both succeed', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using one = sqliteStorage({ path });
  await using two = sqliteStorage({ path });
  const versions = await Promise.all([one.migrate(), two.migrate()]);
  expect(versions.map(({ to }) => to)).toEqual([layout, layout]);
  expect(await one.seed()).toBe(await two.seed());
});

test('the error names a missing directory, a directory, and a file that is no database', async () => {
  const directory = temporaryDirectory();
  await expect(openStorage(`sqlite:${join(directory, 'none', 'jobs.db')}`)).rejects.toThrow(/none does not exist/);
  const text = join(directory, 'notes.txt');
  writeFileSync(text, 'not a database, and long enough to be read as the header of one: '.repeat(20));
  await expect(openStorage(`sqlite:${text}`).then((storage) => storage.migrate())).rejects.toThrow(
    /notes\.txt is not an SQLite database/,
  );
  mkdirSync(join(directory, 'folder'));
  await expect(openStorage(`sqlite:${join(directory, 'folder')}`)).rejects.toThrow(/folder is a directory/);
});

test('the error names a read-only file', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'jobs.db');
  writeFileSync(path, '');
  chmodSync(directory, 0o755);
  chmodSync(path, 0o444);
  // Root may write everything, so it steps down to nobody; its real user still passes the first check, and SQLite
  // itself refuses.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    const opened = openStorage(`sqlite:${path}`).then((storage) => storage.migrate());
    await expect(opened).rejects.toThrow(/jobs\.db .*(may not write|is read-only)/);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('any other URL is refused without its password', async () => {
  await expect(openStorage('mysql://user:secret@host/db')).rejects.toThrow(
    /'mysql:\/\/user:\*\*\*@host\/db'; expected 'memory:'/,
  );
  await expect(openStorage('jobs.db')).rejects.toThrow(/expected 'memory:', 'sqlite:PATH'/);
});

test('a temporary store leaves no file', async () => {
  const directory = temporaryDirectory();
  vi.stubEnv('TMPDIR', directory);
  onTestFinished(() => void vi.unstubAllEnvs());
  const storage = await openStorage('sqlite::memory:');
  await storage.migrate();
  expect(readdirSync(directory)).toHaveLength(1);
  await storage[Symbol.asyncDispose]();
  expect(readdirSync(directory)).toEqual([]);
});

test('an operation before migrate fails and says so', async () => {
  await using storage = sqliteStorage({ path: null });
  await expect(storage.jobs.get([idOf(1)])).rejects.toThrow(/migrate/);
  await expect(insert(storage, [newJob(1)])).rejects.toThrow(/migrate/);
});

test('a locked file is waited for; after patienceMs the error names the file', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path, patienceMs: 50 });
  await storage.migrate();
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(insert(storage, [newJob(1)])).rejects.toThrow(/jobs\.db has been locked by another process for 50 ms/);
  // Reading needs no lock.
  expect(await storage.jobs.get([idOf(1)])).toEqual([null]);
  const waiting = insert(storage, [newJob(2)]);
  setTimeout(() => other.exec('COMMIT'), 5);
  await waiting;
  other.close();
  expect((await queue(storage))?.counts).toEqual({ [State.available]: 1 });
});

test('a failing call fails alone within a commit and changes nothing', async () => {
  await using storage = sqliteStorage({ path: null });
  await storage.migrate();
  const bad = newJob(2, { priority: 1.5 });
  const answers = await Promise.allSettled([
    storage.jobs.insert([[newJob(1)]], t0),
    storage.jobs.insert([[newJob(3)], [bad]], t0),
    claim(storage, { limit: 9 }),
    storage.jobs.insert([[newJob(4)]], t0),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect((await storage.jobs.get([1, 2, 3, 4].map(idOf))).map((job) => job?.state)).toEqual([
    State.active,
    undefined,
    undefined,
    State.available,
  ]);
  expect((await queue(storage))?.counts).toEqual({ [State.active]: 1, [State.available]: 1 });
  expect((await storage.events(0, 9)).newest).toBe(3);
});

test('calls of one iteration of the event loop share a commit', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const other = new DatabaseSync(path);
  const seen = () => other.prepare('SELECT count(*) AS n FROM ojs_jobs').get()?.n;
  const first = storage.jobs.insert([[newJob(1)]], t0);
  const second = storage.jobs.insert([[newJob(2)]], t0);
  await first;
  expect(seen()).toBe(2);
  await second;
  other.close();
});

test('a commit of another process wakes subscribers of this one', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using one = sqliteStorage({ path });
  await using two = sqliteStorage({ path });
  await one.migrate();
  const woken = new Promise((resolve) => {
    void one.subscribe((wakes) => resolve(wakes));
  });
  await insert(two, [newJob(1)]);
  expect(await woken).toEqual([{ kind: 'queue', queue: null }, { kind: 'events' }, { kind: 'inbox' }]);
  const job = await claimOne(one);
  expect((await move(two, to(job.id, State.completed, State.active, { claim: job.claim }))).kind).toBe('moved');
});

test('a list of waiting jobs continues after finished ones', async () => {
  await using storage = sqliteStorage({ path: null });
  await storage.migrate();
  const jobs = Array.from({ length: 5_200 }, (_, number) => newJob(number + 1));
  await storage.jobs.insert([jobs], t0);
  const last = jobs.slice(-120).map(({ id }) => ({ id, from: State.available, to: State.cancelled, events: [] }));
  await storage.jobs.transition(last, t0);
  const page = await storage.jobs.list({ states: State.available, limit: 5 });
  expect(page.items).toHaveLength(5);
});
