// The README in the hands of a new user: its code and its three ways to start, from packed packages in empty folders.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@ojs-ts/sdk';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../packages/cli/test/support/processes.ts';
import { packed } from '../../packages/sdk/test/package/project.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);

const readme = read('README.md');
/** The commands of each way: a new project, an existing project, a server. */
const ways = blocks(readme.split('\n## Start\n')[1]?.split('\n## ')[0] ?? '', 'bash').map((block) =>
  block
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +#.*/, '')),
);

let files: string;
beforeAll(async () => {
  const tarballs = Object.values(await packed());
  files = tarballs.filter((path) => !path.includes('create-ojs-ts')).join(' ');
}, 900_000);

/** An empty folder, and commands in it as in a shell of the user. A command that keeps running ends with the test. */
function newFolder(port = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    OJS_PORT: `${port}`,
    OJS_BACKEND_URL: `http://127.0.0.1:${port}`,
  };
  const shell = (line: string) => line.replace('../ojs-ts/packed/ojs-ts-*.tgz', files);
  return {
    folder,
    run: async (line: string, cwd = folder) =>
      (await run('sh', ['-c', shell(line)], { cwd, env, timeout: 600_000 })).stdout,
    start(line: string, cwd = folder): void {
      const child = spawn('sh', ['-c', line], { cwd, env, detached: true, stdio: ['ignore', 'ignore', 'inherit'] });
      onTestFinished(async () => {
        if (child.pid === undefined || child.exitCode !== null) return;
        const exited = once(child, 'exit');
        process.kill(-child.pid, 'SIGTERM');
        await exited;
      });
    },
  };
}

async function until(address: string): Promise<void> {
  const status = async () => (await fetch(address).catch(() => null))?.status;
  await expect.poll(status, { timeout: 120_000, interval: 100 }).toBe(200);
}

function stopwatch(): () => string {
  const begin = performance.now();
  return () => `${Math.round((performance.now() - begin) / 1_000)} s`;
}

test('the README shows one program, which runs as it stands, and three ways to start', async () => {
  const seconds = stopwatch();
  const [program = '', ...others] = blocks(readme, 'ts');
  expect([others, ways.length]).toEqual([[], 3]);
  expect(readme.split('\n').length).toBeLessThanOrEqual(111);
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15);
  const user = newFolder();
  await user.run(`npm i ${files}`);
  writeFileSync(join(user.folder, 'welcome.mts'), program);
  expect(await user.run('node welcome.mts')).toBe('{ sent: true }\n');
  console.log(`the program of the README: ${seconds()}`);
});

test('a new project, from the clone to the result of a job', async () => {
  const seconds = stopwatch();
  const port = await freePort();
  const user = newFolder(port);
  const app = join(user.folder, 'my-app');
  const [init = '', cd, install = '', dev = '', enqueue = '', ...others] = ways[0] ?? [];
  expect([cd, others]).toEqual(['cd ../my-app', []]);
  await user.run(init.replace('../my-app', app), root);
  await user.run(install, app);
  user.start(dev, app);
  await until(`http://127.0.0.1:${port}/ojs/v1/health`);
  expect(await user.run(enqueue, app)).toMatch(/Result: \{ messageId: 'welcome-[0-9a-f-]{36}' \}/);
  console.log(`a new project: ${seconds()}`);
});

test('an existing project, with the worker of the page that it links', async () => {
  const seconds = stopwatch();
  const port = await freePort();
  const user = newFolder(port);
  const worker = blocks(read('docs/guides/dev-server.md'), 'ts')[0] ?? '';
  writeFileSync(join(user.folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(user.folder, 'worker.ts'), worker);
  const [install = '', dev = '', ...others] = ways[1] ?? [];
  expect(others).toEqual([]);
  await user.run(install);
  user.start(dev);
  await until(`http://127.0.0.1:${port}/ojs/v1/health`);
  await using client = new Client(`http://127.0.0.1:${port}`);
  const job = await client.enqueue('hello', ['Ada']);
  expect(await job.wait({ timeout: '60s' })).toBe('Hello Ada');
  console.log(`an existing project: ${seconds()}`);
});

test('a server with its dashboard', async () => {
  const seconds = stopwatch();
  const port = await freePort();
  const user = newFolder(port);
  const [install = '', serve = '', ...others] = ways[2] ?? [];
  expect(others).toEqual([]);
  await user.run(install);
  user.start(serve);
  await until(`http://127.0.0.1:${port}/dashboard/`);
  await until(`http://127.0.0.1:${port}/ojs/v1/health`);
  console.log(`a server: ${seconds()}`);
});
