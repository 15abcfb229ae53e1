import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { Checkpoints } from '../../../../src/storage/sqlite/disk/checkpoints.ts';
import { Connection } from '../../../../src/storage/sqlite/disk/connection.ts';
import { temporaryDirectory } from '../temporary.ts';

const alone = 1_000;
const beside = 4_000;

function openFile(path = join(temporaryDirectory(), 'jobs.db')): Connection {
  const sql = new Connection(path, 'NORMAL');
  sql.execute('PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)');
  return sql;
}

/** One commit of so many rows. */
function add(sql: Connection, rows: number): void {
  sql.run(
    `WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?) INSERT INTO numbers (text) SELECT 'some text' FROM counter`,
    rows,
  );
}

const pages = (sql: Connection) => sql.value('PRAGMA wal_autocheckpoint');

/** Rows that are in the file itself, whatever its log holds. */
function rowsInFile(sql: Connection): unknown {
  const copy = join(temporaryDirectory(), 'copy.db');
  copyFileSync(sql.file, copy);
  const database = new DatabaseSync(copy);
  try {
    return database.prepare('SELECT count(*) AS rows FROM numbers').get()?.rows;
  } catch {
    return 'torn';
  } finally {
    database.close();
  }
}

test('20,000 changed rows start the thread, which then runs the checkpoints', async () => {
  const sql = openFile();
  const checkpoints = new Checkpoints(sql, 'NORMAL');
  add(sql, 19_000);
  checkpoints.committed();
  expect(pages(sql)).toBe(alone);
  sql.checkpoint();

  add(sql, 1_000);
  checkpoints.committed();
  await expect.poll(() => pages(sql)).toBe(beside);
  expect(rowsInFile(sql)).toBe(19_000);
  const moved = () => {
    checkpoints.committed();
    return rowsInFile(sql);
  };
  await expect.poll(moved).toBe(20_000);
  await checkpoints.close();
  sql.close();
  expect(existsSync(`${sql.file}-wal`)).toBe(false);
});

test('without the program of the thread, as in a bundle, SQLite runs its own checkpoints', async () => {
  const sql = openFile();
  const missing = pathToFileURL(join(temporaryDirectory(), 'missing.js'));
  const checkpoints = new Checkpoints(sql, 'NORMAL', missing);
  add(sql, 20_000);
  checkpoints.committed();
  add(sql, 1);
  checkpoints.committed();
  await checkpoints.close();
  expect(pages(sql)).toBe(alone);
  sql.close();
});

test.each([
  ['3.51.2', false],
  ['3.50.9', false],
  ['3.51.3', true],
  ['4.0.0', true],
])('SQLite %s: the thread starts: %s', async (version, isSafe) => {
  const sql = openFile();
  const checkpoints = new Checkpoints(sql, 'NORMAL', undefined, version);
  add(sql, 20_000);
  checkpoints.committed();
  if (isSafe) await expect.poll(() => pages(sql)).toBe(beside);
  await checkpoints.close();
  expect(pages(sql)).toBe(isSafe ? beside : alone);
  sql.close();
});

test('where Node refuses threads, SQLite runs its own checkpoints', async () => {
  const sql = openFile();
  // A refusal within the constructor, as with --permission.
  const checkpoints = new Checkpoints(sql, 'NORMAL', new URL('http://127.0.0.1/'));
  add(sql, 20_000);
  checkpoints.committed();
  checkpoints.committed();
  await checkpoints.close();
  expect(pages(sql)).toBe(alone);
  sql.close();
});

test('after the thread has died SQLite runs its own checkpoints, and no other thread starts', async () => {
  const program = join(temporaryDirectory(), 'program.mjs');
  writeFileSync(
    program,
    `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(1)); parentPort.postMessage('done');`,
  );
  const sql = openFile();
  const checkpoints = new Checkpoints(sql, 'NORMAL', pathToFileURL(program));
  add(sql, 20_000);
  checkpoints.committed();
  await expect.poll(() => pages(sql)).toBe(beside);
  const afterwards = () => {
    checkpoints.committed();
    return pages(sql);
  };
  await expect.poll(afterwards).toBe(alone);
  add(sql, 20_000);
  checkpoints.committed();
  expect(pages(sql)).toBe(alone);
  await checkpoints.close();
  sql.close();
});

test('a file that is closed while the thread starts is whole', async () => {
  const sql = openFile();
  const checkpoints = new Checkpoints(sql, 'NORMAL');
  add(sql, 20_000);
  checkpoints.committed();
  await checkpoints.close();
  checkpoints.committed();
  sql.checkpoint();
  expect(rowsInFile(sql)).toBe(20_000);
  sql.close();
});
