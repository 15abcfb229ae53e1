// What a new user does, from a registry and with an empty cache: npx @ojs-ts/cli dev; npm create, npm install, npm run
// dev; each time one job.
import { Client } from '@ojs-ts/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../packages/cli/test/support/processes.ts';
import { packed } from '../../packages/sdk/test/package/project.ts';
import { Home, statusOf, stopwatch } from './home.ts';
import { type Registry, startRegistry } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry(Object.values(await packed()));
});
afterAll(() => registry?.[Symbol.asyncDispose]());

const worker = `import { Worker } from '@ojs-ts/sdk';

export const worker = new Worker();
worker.register('hello', async ({ args: [name] }) => \`Hello \${name}\`);
`;

test('npx @ojs-ts/cli dev: the first job is done within a minute', async () => {
  const server = `http://127.0.0.1:${await freePort()}`;
  await using home = await Home.create(registry, { OJS_PORT: new URL(server).port });
  await using client = new Client(server);
  await home.write('package.json', '{}');
  await home.write('worker.ts', worker);
  const seconds = stopwatch();
  await home.run('.', 'npm', 'install', '@ojs-ts/sdk');
  const installed = seconds();
  home.start('.', 'npx', '--yes', '@ojs-ts/cli', 'dev', 'worker.ts');
  await expect.poll(() => statusOf(`${server}/ojs/v1/health`), { timeout: 60_000, interval: 100 }).toBe(200);
  const up = seconds();
  const job = await client.enqueue('hello', ['Ada']);
  expect(await job.wait({ timeout: '60s' })).toBe('Hello Ada');
  const done = seconds();
  console.log('npx @ojs-ts/cli dev, seconds from an empty cache:', { installed, up, 'first job': done });
  expect(done).toBeLessThan(60);
  expect(await statusOf(`${server}/dashboard/queues`)).toBe(200);
});

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
  const [server, app] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const env = { OJS_PORT: new URL(server).port, OJS_BACKEND_URL: server, PORT: new URL(app).port };
  await using home = await Home.create(registry, env);
  const seconds = stopwatch();

  await home.run('.', 'npm', 'create', '--yes', 'ojs-ts', 'app', '--', '--template', template);
  const created = seconds();
  await home.run('app', 'npm', 'install');
  const installed = seconds();
  await home.run('app', 'npm', 'run', 'typecheck');
  await home.run('app', 'npm', 'test');
  const checked = seconds();

  home.start('app', 'npm', 'run', 'dev');
  await expect.poll(() => statusOf(`${server}/ojs/v1/health`), { timeout: 60_000, interval: 100 }).toBe(200);
  expect(await home.run('app', 'npm', 'run', 'enqueue')).toMatch(/Result: \{ messageId: 'welcome-[0-9a-f-]{36}' \}/);
  const figures = { created, installed, checked, 'first job': seconds() };
  console.log(`${template}, seconds from an empty cache:`, figures);

  if (web !== null) {
    await expect.poll(() => statusOf(`${app}${web.health}`), { timeout: 120_000, interval: 100 }).toBe(200);
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
      await expect.poll(() => statusOf(`${built}${web.health}`), { timeout: 60_000, interval: 100 }).toBe(200);
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
  const { status, headers } = await fetch(app, { method: 'POST', headers: { origin: app }, body, redirect: 'manual' });
  expect(status).toBe(303);
  expect(headers.get('location')).toMatch(/^\/\?job=[0-9a-f-]{36}$/);
}

test('with --install the tests run at once', async () => {
  await using home = await Home.create(registry);
  await home.run('.', 'npm', 'create', '--yes', 'ojs-ts', 'app', '--', '--install');
  expect(await home.run('app', 'npm', 'test')).toContain('pass 2');
});
