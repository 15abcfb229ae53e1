import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { Child } from './support/processes.ts';

const main = new URL('../src/main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function ojs(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, output, errors) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output, errors });
    });
  });
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ojs-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A database without a layout. */
function emptyFile(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (id INTEGER PRIMARY KEY)');
  database.close();
}

async function serving(file: string): Promise<{ readonly url: string; readonly server: Child }> {
  const server = new Child('packages/cli/src/main.ts', [
    'serve',
    '--storage',
    `sqlite:${file}`,
    '--port',
    '0',
    '--log-level',
    'warn',
  ]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const url = /listening on (\S+)/.exec(await server.line(/listening/))?.[1] ?? '';
  return { url, server };
}

async function enqueue(url: string, args: string): Promise<string> {
  const body = Buffer.from(`{"type":"t","queue":"q","args":${args}}`);
  const response = await fetch(`${url}/ojs/v1/jobs`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  expect(response.status).toBe(201);
  const { job }: { readonly job: { readonly id: string } } = JSON.parse(await response.text());
  return job.id;
}

const job = async (url: string, id: string) => (await fetch(`${url}/ojs/v1/jobs/${id}`)).text();

test('ojs restore copies a backup of a file in use to another file, which serves the same jobs', async () => {
  const directory = folder();
  const { url, server } = await serving(join(directory, 'a.db'));
  const ids: string[] = [];
  for (let number = 0; number < 120; number++) ids.push(await enqueue(url, `[${number}.0, 12345678901234567890]`));
  // Enqueues go on until the backup is there.
  let going = true;
  const load = (async () => {
    while (going) await enqueue(url, '["meanwhile"]');
  })();
  const backup = await ojs('backup', '--storage', `sqlite:${join(directory, 'a.db')}`, join(directory, 'a.ndjson.gz'));
  going = false;
  await load;
  expect(backup).toMatchObject({ code: 0, output: '' });
  expect(backup.errors).toMatch(/records of sqlite \(\d+ jobs, 0 workflows, 0 cron jobs\) written to/);
  const before = await Promise.all(ids.map((id) => job(url, id)));
  await server.end('SIGTERM');

  const restored = await ojs(
    'restore',
    '--storage',
    `sqlite:${join(directory, 'b.db')}`,
    join(directory, 'a.ndjson.gz'),
  );
  expect(restored).toMatchObject({ code: 0, output: '' });
  const other = await serving(join(directory, 'b.db'));
  expect(await Promise.all(ids.map((id) => job(other.url, id)))).toEqual(before);
  const fetched = await fetch(`${other.url}/ojs/v1/workers/fetch`, {
    method: 'POST',
    body: Buffer.from('{"queues":["q"],"count":1}'),
  });
  expect(await fetched.text()).toContain(ids[0]);
  await other.server.end('SIGTERM');

  const again = await ojs('restore', '--storage', `sqlite:${join(directory, 'b.db')}`, join(directory, 'a.ndjson.gz'));
  expect(again.code).toBe(1);
  expect(again.errors).toMatch(/^ojs restore: .*b\.db is not empty/);
});

test('a failed backup or restore exits with 1, prints one line with the reason, and creates no file', async () => {
  const directory = folder();
  const at = (name: string) => join(directory, name);
  await ojs('migrate', '--storage', `sqlite:${at('a.db')}`);
  await ojs('backup', '--storage', `sqlite:${at('a.db')}`, at('whole'));
  writeFileSync(at('cut'), readFileSync(at('whole')).subarray(0, -5));
  writeFileSync(at('newer'), '{"format":"ojs-backup","version":99}\n');
  emptyFile(at('old.db'));
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['backup', '--storage', `sqlite:${at('none.db')}`], /There is no database at .*none\.db\. Check the path/],
    [['backup', '--storage', `sqlite:${at('old.db')}`], /has layout 0; this version reads \d+/],
    [['backup', '--storage', `sqlite:${at('a.db')}`, at('no/folder/x')], /ENOENT/],
    [['restore', '--storage', `sqlite:${at('new.db')}`, at('cut')], /cut is incomplete/],
    [['restore', '--storage', `sqlite:${at('new.db')}`, at('newer')], /version 99 of the format/],
    [['restore', '--storage', `sqlite:${at('new.db')}`, at('a.db')], /no backup of ojs/],
    [['restore', '--storage', `sqlite:${at('new.db')}`, at('missing')], /ENOENT/],
    [['migrate', '--storage', 'mysql://me:hush@db'], /mysql:\/\/me:\*\*\*@db/],
    [
      ['migrate', '--dry-run', '--storage', `sqlite:${at('new.db')}`],
      /There is no database at .*new\.db\. Check the path/,
    ],
  ];
  const answers = await Promise.all(cases.map(([args]) => ojs(...args)));
  for (const [index, [args, message]] of cases.entries()) {
    expect(answers[index], args.join(' ')).toMatchObject({ code: 1, output: '' });
    expect(answers[index]?.errors).toMatch(message);
    expect(answers[index]?.errors.trimEnd().split('\n')).toHaveLength(1);
  }
  expect(existsSync(at('new.db'))).toBe(false);
  expect((await ojs('restore')).code).toBe(2);
});

test('ojs migrate --dry-run prints the steps, ojs migrate runs them; a newer layout is refused', async () => {
  const directory = folder();
  const file = join(directory, 'old.db');
  emptyFile(file);
  const hash = () => createHash('sha256').update(readFileSync(file)).digest('hex');
  const before = hash();
  const dry = await ojs('migrate', '--dry-run', '--storage', `sqlite:${file}`);
  expect(dry).toMatchObject({ code: 0, errors: '' });
  expect(dry.output).toMatch(/^sqlite: layout 0 to \d+\n {2}002_baseline\.sql\n[\s\S]*nothing was changed\n$/);
  expect(hash()).toBe(before);
  expect((await ojs('migrate', '--storage', `sqlite:${file}`)).output).toMatch(
    /^sqlite: layout 0 to \d+\n[\s\S]*done\n$/,
  );
  expect((await ojs('migrate', '--storage', `sqlite:${file}`)).output).toMatch(/^sqlite: layout \d+, up to date\n$/);
  const newer = join(directory, 'newer.db');
  copyFileSync(file, newer);
  const database = new DatabaseSync(newer);
  database.exec('PRAGMA user_version = 99');
  database.close();
  // One after the other: who closes a SQLite file last locks it for a moment, which is an answer of its own.
  for (const args of [['migrate'], ['migrate', '--dry-run'], ['backup']]) {
    const ended = await ojs(...args, '--storage', `sqlite:${newer}`);
    expect(ended).toMatchObject({ code: 1, output: '' });
    expect(ended.errors).toMatch(/layout 99; this version knows \d+/);
  }
});
