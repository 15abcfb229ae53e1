import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { Connection } from '../../../src/storage/sqlite/disk/connection.ts';
import { layout, migrate } from '../../../src/storage/sqlite/migrate.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { script } from '../model.ts';
import { recordsOf } from '../suite/dump.ts';
import { claim, countErrors, ids, limitOf, newJob, t0, to } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

const child = fileURLToPath(new URL('../upgrade.child.ts', import.meta.url));
const currentCode = fileURLToPath(new URL('../../../src/storage/sqlite/sqlite.ts', import.meta.url));
const files = fileURLToPath(new URL('../../../sql/sqlite/', import.meta.url));

/** A folder with a made-up layout 4, which adds what a layout may add. */
function nextLayout(): URL {
  const folder = join(temporaryDirectory(), 'sql');
  mkdirSync(folder);
  cpSync(files, folder, { recursive: true });
  const adds = `ALTER TABLE ojs_jobs ADD COLUMN made_up TEXT NOT NULL DEFAULT 'x';
    CREATE INDEX ojs_jobs_made_up ON ojs_jobs (made_up, number);
    CREATE TABLE ojs_made_up (number INTEGER PRIMARY KEY) STRICT;`;
  writeFileSync(join(folder, '005_made_up.sql'), adds);
  return pathToFileURL(`${folder}/`);
}

function connect(path: string): Connection {
  const sql = new Connection(path, 'OFF');
  onTestFinished(() => sql.close());
  return sql;
}

const newFile = () => join(temporaryDirectory(), 'jobs.db');

test('layout says what a migration would do, and changes nothing', async () => {
  const path = newFile();
  await using storage = sqliteStorage({ path });
  expect(await storage.layout()).toEqual({
    from: 0,
    to: 4,
    steps: ['002_baseline.sql', '003_records.sql', '004_crons.sql'],
  });
  await storage.migrate();
  expect(await storage.layout()).toEqual({ from: 4, to: 4, steps: [] });
  const sql = connect(path);
  expect(layout(sql, nextLayout())).toEqual({ from: 4, to: 5, steps: ['005_made_up.sql'] });
  expect(sql.value('PRAGMA user_version')).toBe(4);
});

test('a newer layout is refused and not changed', async () => {
  const path = newFile();
  expect(await migrate(connect(path), 1_000, nextLayout())).toEqual({ from: 0, to: 5 });
  await using storage = sqliteStorage({ path });
  await expect(storage.migrate()).rejects.toThrow('layout 5; this version of the server knows 4.');
  expect(await storage.layout()).toEqual({ from: 5, to: 4, steps: [] });
});

test.each([1, 6])('layout %i of a version before the first release is refused as that', async (version) => {
  const path = newFile();
  const database = new DatabaseSync(path);
  database.exec(`CREATE TABLE ojs_store (one INTEGER PRIMARY KEY); PRAGMA user_version = ${version}`);
  database.close();
  await using storage = sqliteStorage({ path });
  const refusal = `layout ${version} of a version before the first release`;
  await expect(storage.migrate()).rejects.toThrow(refusal);
  await expect(storage.layout()).rejects.toThrow(refusal);
});

test('the doctor finds a layout whose files were changed in place', async () => {
  const path = newFile();
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const codes = async () => (await storage.diagnose()).map(({ code }) => code);
  expect(await codes()).not.toContain('changed_layout');
  connect(path).run("UPDATE ojs_store SET layout_sum = 'other'");
  expect(await codes()).toContain('changed_layout');
});

test("a file with another application's version is refused and not changed", async () => {
  const path = newFile();
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (id INTEGER PRIMARY KEY); PRAGMA user_version = 1');
  await using storage = sqliteStorage({ path });
  await expect(storage.migrate()).rejects.toThrow(/user_version 1 but no table ojs_store/);
  await expect(storage.layout()).rejects.toThrow(/user_version 1 but no table ojs_store/);
  expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'users' }]);
  database.close();
});

test("another application's tables stay in the file", async () => {
  const path = newFile();
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (7)');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  expect(database.prepare('SELECT id FROM users').all()).toEqual([{ id: 7 }]);
  database.close();
});

test('a migrated file holds the same records', async () => {
  const path = newFile();
  await using storage = sqliteStorage({ path, synchronous: 'OFF' });
  await storage.migrate();
  for (const turns of fc.sample(script, { numRuns: 20, seed: 7 }))
    for (const { steps } of turns) await Promise.all(steps.map(({ call }) => call(storage, t0)));
  const before = await recordsOf(storage);
  expect(before.length).toBeGreaterThan(20);
  expect(await migrate(connect(path), 1_000, nextLayout())).toEqual({ from: 4, to: 5 });
  expect(await recordsOf(storage)).toEqual(before);
  expect(await countErrors(storage)).toEqual([]);
});

test('an older process continues while the file is migrated: no job is lost, no job is done twice', async () => {
  const path = newFile();
  await using storage = sqliteStorage({ path, synchronous: 'OFF' });
  await storage.migrate();
  const older = spawn(process.execPath, [child, currentCode, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const output = createInterface(older.stdout).on('line', (line) => lines.push(line));
  const closed = once(older, 'close');
  await once(output, 'line');

  expect(await migrate(connect(path), 5_000, nextLayout())).toEqual({ from: 4, to: 5 });
  const now = t0 + 24 * 3_600_000;
  const inserted: string[] = [];
  const done: string[] = [];
  const work = async () => {
    const taken = await claim(storage, { queues: ['load'], limit: 7, worker: 'new' }, now);
    const ends = taken.map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker: 'new' }));
    const answers = await storage.jobs.transition(ends, now);
    done.push(...ends.filter((_, index) => answers[index]?.kind === 'moved').map(({ id }) => id));
    return taken.length;
  };
  for (let round = 0; round < 60; round++) {
    const jobs = [0, 1, 2].map((index) =>
      newJob(1000 + round * 3 + index, {
        queue: 'load',
        limits: index === 0 ? [limitOf('shared', { concurrency: 3 })] : [],
      }),
    );
    await storage.jobs.insert([jobs], now);
    inserted.push(...ids(jobs));
    await work();
  }
  older.stdin.end();
  const [code] = await closed;
  expect(code).toBe(0);
  const theirs: { readonly inserted: readonly string[]; readonly done: readonly string[] } = JSON.parse(
    lines[1] ?? 'null',
  );
  while ((await work()) > 0);

  const all = [...inserted, ...theirs.inserted];
  expect(theirs.done.length, 'the older process took part after the migration').toBeGreaterThan(100);
  expect([...done, ...theirs.done].sort()).toEqual(all.toSorted());
  const records = await storage.jobs.get(all);
  expect(records.every((job) => job?.state === State.completed && job.claim === 1)).toBe(true);
  expect(await countErrors(storage)).toEqual([]);
  expect(await storage.registry.limit('shared')).toMatchObject({ active: 0, waiting: 0, own: { concurrency: 3 } });
  const { batches } = await storage.events(0, 1_000_000);
  let next = 1;
  for (const { position, count } of batches) {
    expect(position).toBe(next);
    next = position + count;
  }
});
