// The packed packages: Jest, which has to be installed first, and one mode for ESM and CommonJS, on Node, Bun and Deno.
import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project } from '../package/project.ts';

const run = promisify(execFile);
let project: Project;

beforeAll(async () => {
  project = await openProject();
}, 900_000);
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
});

test('jest: hooks, bodies of concurrent tests', async () => {
  const { directory } = project;
  await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', 'jest@30.5.2'], { cwd: directory });
  await copyFile(join(import.meta.dirname, 'runners/recipes.jest.cjs'), join(directory, 'recipes.jest.cjs'));
  const args = ['node_modules/jest/bin/jest.js', '--json', '--testEnvironment=node', '--testMatch=**/recipes.jest.cjs'];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, args, { cwd: directory, env });
  expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 7, numTotalTests: 7, success: true });
});

const program = `
import { createRequire } from 'node:module';
import * as esm from '@ojs-ts/sdk/testing';
import { Client } from '@ojs-ts/sdk';
const require = createRequire(import.meta.url);
const cjs = require('@ojs-ts/sdk/testing');
const { Client: CjsClient } = require('@ojs-ts/sdk');
if (cjs.fakeMode === esm.fakeMode) throw new Error('these are not two copies');
const url = 'http://127.0.0.1:9';
await esm.fakeMode(async (store) => {
  store.registerHandler('a.job', () => null);
  await new Client(url).enqueue('a.job', ['esm']);
  await new CjsClient(url).enqueue('a.job', ['cjs']);
  cjs.assertEnqueued('a.job', { count: 2 });
  esm.assertEnqueued('a.job', { count: 2 });
  store.useWorker(new (require('@ojs-ts/sdk').Worker)(url).register('b.job', () => 'b'));
  await new Client(url).enqueue('b.job', []);
  if ((await cjs.drain()) !== 3) throw new Error('not drained');
  esm.assertCompleted('b.job');
});
cjs.fakeMode();
await new Client(url).enqueue('c.job', []);
esm.restore();
let refused = false;
await new CjsClient(url, { requestRetry: false }).enqueue('c.job', []).catch(() => { refused = true; });
console.log('one mode', refused);
process.exit(0);
`;

const bin = (name: string) => project.bin(name);

test.each([
  { runtime: 'Node 24', file: () => process.execPath, args: [] },
  { runtime: 'Node 22', file: () => bin('node-22/bin/node'), args: [] },
  { runtime: 'Bun', file: () => bin('.bin/bun'), args: [] },
  { runtime: 'Deno', file: () => bin('.bin/deno'), args: ['run', '--allow-all', '--node-modules-dir=manual'] },
])('ESM and CommonJS share the mode on $runtime', async ({ file, args }) => {
  await writeFile(join(project.directory, 'modes.mjs'), program);
  expect(await project.run(file(), [...args, 'modes.mjs'])).toBe('one mode true');
});
