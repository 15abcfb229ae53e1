// The commands of docs/guides/bundling.md, as they stand there, and what their bundles do against a real server.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project, root } from '../../packages/sdk/test/package/project.ts';

const run = promisify(execFile);
let project: Project;
let server: RunningServer;
let commands: string[];

beforeAll(async () => {
  [project, server] = await Promise.all([
    openProject({ 'node-22': 'npm:node@22.19.0' }),
    startServer({ storage: 'memory:', port: 0, log: false }),
  ]);
  const page = await readFile(join(root, 'docs/guides/bundling.md'), 'utf8');
  commands = [...page.matchAll(/```bash\nnpx (.*)\n```/g)].map(([, command = '']) => command);
}, 900_000);
afterAll(async () => {
  await server?.close();
  await project?.[Symbol.asyncDispose]();
});

async function bundle(command: string): Promise<void> {
  const { PATH = '' } = process.env;
  const env = {
    ...process.env,
    PATH: [join(process.execPath, '..'), join(root, 'node_modules/.bin'), PATH].join(delimiter),
  };
  await run('sh', ['-c', command], { cwd: project.directory, env });
}

/** Without `node_modules` anywhere above, unless the bundle wants them. */
async function runBundle(folder: string, file: string, away: boolean): Promise<{ result: unknown; stderr: string }> {
  const home = away ? await mkdtemp(join(tmpdir(), 'ojs-bundle-')) : project.directory;
  try {
    if (away) {
      await cp(join(project.directory, folder), join(home, folder), { recursive: true });
      await cp(join(project.directory, 'package.json'), join(home, 'package.json'));
    }
    const env = { ...process.env, OJS_BACKEND_URL: server.url, QUEUE: folder.replace('/', '-') };
    const { stdout, stderr } = await run(project.bin('node-22/bin/node'), [join(folder, file)], {
      cwd: home,
      env,
      timeout: 120_000,
    });
    return { result: JSON.parse(stdout), stderr };
  } finally {
    if (away) await rm(home, { recursive: true, force: true });
  }
}

test.each([
  ['rolldown', 'app.js', true],
  ['esbuild', 'app.js', true],
  ['commonjs', 'app.cjs', true],
  ['external', 'app.js', false],
])(
  'the command of the guide for %s: a job there and back, heartbeats from their thread, no warning',
  async (name, file, away) => {
    const command = commands.find((one) => one.includes(`dist/${name}`));
    expect(commands).toHaveLength(4);
    await bundle(command ?? '');
    expect(await runBundle(`dist/${name}`, file, away)).toEqual({ result: { word: 'bundled' }, stderr: '' });
  },
);

test('esbuild without the banner and the second file: it works by fetch, and says once what it lacks', async () => {
  await bundle('esbuild app.js --bundle --platform=node --format=esm --outdir=dist/plain');
  const { result, stderr } = await runBundle('dist/plain', 'app.js', true);
  expect(result).toEqual({ word: 'bundled' });
  expect(
    stderr.match(
      /\[OJS_BUNDLED_UNDICI\] Warning: undici cannot run in this bundle \(Dynamic require of "node:assert" is not supported\)/g,
    ),
  ).toHaveLength(1);
});

test('esbuild with its defaults, CommonJS, without the second file: it loads and works', async () => {
  await bundle('esbuild app.js --bundle --platform=node --outfile=dist/default/app.cjs');
  const { result, stderr } = await runBundle('dist/default', 'app.cjs', true);
  expect(result).toEqual({ word: 'bundled' });
  expect(stderr).not.toContain('OJS_BUNDLED_UNDICI');
});
