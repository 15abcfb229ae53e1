// What a new user does: npm create, npm install, npm run dev, one job. From a registry, with an empty cache.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@ojs-ts/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../cli/test/support/processes.ts';
import { packed } from '../../sdk/test/package/project.ts';
import { type Registry, startRegistry } from './registry.ts';

const run = promisify(execFile);

let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry(Object.values(await packed()));
});
afterAll(() => registry?.[Symbol.asyncDispose]());

/** A folder, and an environment in which npm has an empty cache and knows only the registry. */
class Home implements AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #children: ChildProcess[] = [];

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.env = {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      npm_config_cache: join(folder, '.npm'),
      npm_config_registry: registry.url,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      NEXT_TELEMETRY_DISABLED: '1',
      ...env,
    };
  }

  /** Answers what the command printed. @throws with its output, where it fails. */
  async run(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
    try {
      return (await run(command, args, { cwd: join(this.folder, cwd), env: this.env })).stdout;
    } catch (error) {
      if (error instanceof Error && 'stdout' in error && 'stderr' in error)
        throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
      throw error;
    }
  }

  /** Starts a command that runs until the end of the test. */
  start(cwd: string, command: string, ...args: readonly string[]): void {
    const stdio = ['ignore', 'inherit', 'inherit'] as const;
    const child = spawn(command, args, {
      cwd: join(this.folder, cwd),
      env: this.env,
      detached: true,
      stdio: [...stdio],
    });
    this.#children.push(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.pid === undefined || child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The web application of a template. */
interface Web {
  readonly health: string;
  readonly welcome: string;
}

const cases: readonly (readonly [template: string, web: Web | null])[] = [
  ['plain', null],
  ['fastify', { health: '/health', welcome: '/welcome' }],
  ['next', { health: '/api/health', welcome: '/api/welcome' }],
];

test.each(cases)('%s: created, installed, types and tests green, its first job done', async (template, web) => {
  const folder = await mkdtemp(join(tmpdir(), 'ojs-create-'));
  const [server, app] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const env = { OJS_PORT: new URL(server).port, OJS_BACKEND_URL: server, PORT: new URL(app).port };
  await using home = new Home(folder, env);
  const begin = performance.now();
  const seconds = () => ((performance.now() - begin) / 1000).toFixed(1);
  const isUp = async (url: string) => (await fetch(url).catch(() => null))?.status;

  await home.run('.', 'npm', 'create', '--yes', 'ojs-ts', 'app', '--', '--template', template);
  const created = seconds();
  await home.run('app', 'npm', 'install');
  const installed = seconds();
  await home.run('app', 'npm', 'run', 'typecheck');
  await home.run('app', 'npm', 'test');
  const checked = seconds();

  home.start('app', 'npm', 'run', 'dev');
  await expect.poll(() => isUp(`${server}/ojs/v1/health`), { timeout: 60_000, interval: 100 }).toBe(200);
  expect(await home.run('app', 'npm', 'run', 'enqueue')).toMatch(/Result: \{ messageId: 'welcome-[0-9a-f-]{36}' \}/);
  const figures = { created, installed, checked, 'first job': seconds() };
  console.log(`${template}, seconds from an empty cache:`, figures);

  if (web !== null) {
    await expect.poll(() => isUp(`${app}${web.health}`), { timeout: 120_000, interval: 100 }).toBe(200);
    const answer = await fetch(`${app}${web.welcome}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to: 'grace@example.com', name: 'Grace' }),
    });
    expect(answer.status).toBe(202);
    await using client = new Client(server);
    const { id } = z.object({ id: z.string() }).parse(await answer.json());
    const job = await client.getJob(id);
    expect(await job.wait({ timeout: '30s' })).toEqual({ messageId: `welcome-${job.id}` });
    if (template === 'next') {
      await submitsForm(app, job.id);
      // As its Dockerfile does.
      await home.run('app', 'npm', 'run', 'build');
      await home.run('app', 'npm', 'prune', '--omit=dev');
      const port = await freePort();
      home.start('app', 'node_modules/.bin/next', 'start', '--port', `${port}`);
      const built = `http://127.0.0.1:${port}`;
      await expect.poll(() => isUp(`${built}${web.health}`), { timeout: 60_000, interval: 100 }).toBe(200);
      await submitsForm(built, job.id);
    }
  }
});

/** As a browser without JavaScript: the page shows a job, and its form enqueues another one. */
async function submitsForm(app: string, job: string): Promise<void> {
  const page = await (await fetch(`${app}/?job=${job}`)).text();
  expect(page).toContain('completed');
  const [, action = ''] = /name="(\$ACTION_ID_\w+)"/.exec(page) ?? [];
  const body = new FormData();
  for (const [name, value] of Object.entries({ [action]: '', to: 'grace@example.com', name: 'Grace' }))
    body.set(name, value);
  const { status, headers } = await fetch(app, {
    method: 'POST',
    headers: { origin: app },
    body,
    redirect: 'manual',
  });
  expect(status).toBe(303);
  expect(headers.get('location')).toMatch(/^\/\?job=[0-9a-f-]{36}$/);
}

test('with --install the tests run at once', async () => {
  await using home = new Home(await mkdtemp(join(tmpdir(), 'ojs-create-')), {});
  await home.run('.', 'npm', 'create', '--yes', 'ojs-ts', 'app', '--', '--install');
  expect(await home.run('app', 'npm', 'test')).toContain('pass 2');
});
