import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'ojs-examples-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const example = (name: string) => join(root, 'examples/first-job', name);

test('the README shows the embedded example verbatim', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]);
  expect(blocks).toEqual([readFileSync(example('embedded.ts'), 'utf8')]);
});

test('the guide of the first job shows its job, worker and producer verbatim', () => {
  const guide = readFileSync(join(root, 'docs/start/first-job.md'), 'utf8');
  const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]);
  expect(blocks).toEqual(['jobs.ts', 'worker.ts', 'producer.ts'].map((name) => readFileSync(example(name), 'utf8')));
});

test('the example of producer and worker runs against a server', async () => {
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  const env = { ...process.env, OJS_BACKEND_URL: server.url };
  const worker: ChildProcess = spawn(process.execPath, [example('worker.ts')], { env, stdio: 'inherit' });
  const { stdout } = await run(process.execPath, [example('producer.ts')], { env });
  expect(stdout).toMatch(/^Enqueued: [0-9a-f-]{36}\n\{ sent: true \}\n$/);
  const exited = once(worker, 'exit');
  worker.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('the example of the embedded engine runs', async () => {
  const { stdout } = await run(process.execPath, [example('embedded.ts')], { cwd: home });
  expect(stdout).toBe('{ sent: true }\n');
});

test('the quickstart measures files as wc and sha256sum do', async () => {
  const folder = join(home, 'files');
  mkdirSync(join(folder, 'below'), { recursive: true });
  writeFileSync(join(folder, 'a.txt'), 'one two\nthree\n');
  writeFileSync(join(folder, 'below/b.txt'), ' x\ty  z');
  const { stdout } = await run(process.execPath, [join(root, 'examples/quickstart/main.ts'), folder]);
  const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
  expect(stdout).toMatch(new RegExp(`a\\.txt +14 +2 +3 +${digest('one two\nthree\n')}`));
  expect(stdout).toMatch(new RegExp(`below/b\\.txt +7 +0 +3 +${digest(' x\ty  z')}`));
  expect(stdout).toContain('2 files');
  expect(stdout).toMatch(/demo\.flaky +completed at attempt 3/);
  expect(stdout).toMatch(/demo\.doomed +in the dead letter after attempt 2: TypeError: this job never succeeds/);
  expect(stdout).toMatch(/3 jobs done, 4 executions failed, 3 retried/);
});

test('the quickstart prints a table of at most 20 rows, and names the port in use and the port it took', async () => {
  const folder = join(home, 'many');
  mkdirSync(folder);
  for (let file = 0; file < 30; file++) writeFileSync(join(folder, `${file}.txt`), 'x'.repeat(file));
  const main = join(root, 'examples/quickstart/main.ts');
  // The default port, which another program may already have taken.
  await using other = await startServer({ storage: 'memory:', port: 8080, log: false }).catch(() => null);
  const { OJS_PORT: _, ...env } = process.env;
  const { stdout, stderr } = await run(process.execPath, [main, folder], { env });
  expect([other?.url ?? 'http://localhost:8080', stderr]).toEqual([expect.stringContaining(':8080'), '']);
  const named = run(process.execPath, [main, folder], { env: { ...env, OJS_PORT: '8080' } });
  await expect(named).rejects.toMatchObject({
    code: 2,
    stderr: 'quickstart: port 8080, which OJS_PORT names, is in use\n',
  });
  const table = /^path .*\n(?:.+\n)*/m.exec(stdout)?.[0].trimEnd().split('\n') ?? [];
  expect(table).toHaveLength(20);
  expect(table.filter((row) => /^\d+\.txt /.test(row))).toHaveLength(17);
  expect(table.slice(-2)).toEqual(['… and 13 smaller files', expect.stringContaining('30 files')]);
  const taken = /^server {6}http:\/\/127\.0\.0\.1:(\d+)\n {12}(.*)$/m.exec(stdout);
  expect(taken?.[1]).not.toBe('8080');
  expect(taken?.[2]).toBe(
    `Port 8080 is in use, so the server took port ${taken?.[1]}. OJS_PORT=9090 npm start uses port 9090.`,
  );
});

test('the quickstart stays up, opens the dashboard and ends with its addresses; its worker runs a slow job and reports progress', async () => {
  const folder = mkdtempSync(join(home, 'empty-'));
  const opener = join(home, 'bin/xdg-open');
  mkdirSync(dirname(opener));
  writeFileSync(opener, `#!/bin/sh\necho "$1" > '${join(home, 'opened')}'\n`, { mode: 0o755 });
  const quickstart = spawn(process.execPath, [join(root, 'examples/quickstart/main.ts'), '--stay', '--open', folder], {
    env: { ...process.env, PATH: [dirname(opener), process.env.PATH].join(delimiter) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(quickstart, 'exit');
  let output = '';
  quickstart.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const page = () => /^dashboard {3}(http:\S+\/dashboard\/) /.exec(output)?.[1];
  await expect.poll(page).toBeDefined();
  await expect.poll(() => output).toMatch(/Ctrl-C\.\n$/);
  const banner = output.slice(output.indexOf('\nTo try:'));
  expect(banner.trim().split('\n').length).toBeLessThanOrEqual(20);
  expect(banner).toMatch(
    /\ndashboard {3}http:\S+ .*\nserver {6}http:\S+\n(?: {12}Port .*\n)?store {7}\S+\n\n.*Ctrl-C\.\n$/,
  );
  const answer = await fetch(page() ?? '');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const [, main = 'none'] = /<script [^>]*src="([^"]+)"/.exec(await answer.text()) ?? [];
  expect((await fetch(new URL(main, page()))).headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  await expect
    .poll(() => existsSync(join(home, 'opened')) && readFileSync(join(home, 'opened'), 'utf8'))
    .toBe(`${page()}\n`);
  const client = new Client(new URL('/', page()).href);
  const job = await client.enqueue('demo.slow', [1]);
  expect(await job.wait({ timeout: '100s' })).toEqual({ steps: 2 });
  await client.close();
  quickstart.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('the quickstart names what it cannot use, without a stack, and has a help', async () => {
  const failed = run(process.execPath, [join(root, 'examples/quickstart/main.ts'), join(home, 'missing')]);
  await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('missing is not a folder') });
  const unknown = run(process.execPath, [join(root, 'examples/quickstart/main.ts'), '--opne']);
  await expect(unknown).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/Unknown option '--opne'/) });
  const noPort = run(process.execPath, [join(root, 'examples/quickstart/main.ts')], {
    env: { ...process.env, OJS_PORT: 'abc' },
  });
  await expect(noPort).rejects.toMatchObject({
    code: 2,
    stderr: 'quickstart: OJS_PORT is abc; expected a whole number from 0 to 65535\n',
  });
  const { stdout } = await run(process.execPath, [join(root, 'examples/quickstart/main.ts'), '--help']);
  expect(stdout).toMatch(/^npm start \[-- FOLDER\]/);
});

test('the quickstart ends quietly when it is interrupted at any moment, and deletes its folder', async () => {
  const temporary = mkdtempSync(join(home, 'tmp-'));
  for (const moment of [/^/, /^dashboard/]) {
    const quickstart = spawn(process.execPath, [join(root, 'examples/quickstart/main.ts'), '--stay', root], {
      env: { ...process.env, TMPDIR: temporary, OJS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(quickstart, 'exit');
    let [output, errors] = ['', ''];
    quickstart.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    quickstart.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    await expect.poll(() => readdirSync(temporary)).toHaveLength(1);
    await expect.poll(() => output).toMatch(moment);
    quickstart.kill('SIGINT');
    expect([await exited, errors, readdirSync(temporary)]).toEqual([[0, null], '', []]);
  }
});
