import { readFileSync } from 'node:fs';
import type { Home } from '../packages/home.ts';

/** An application of a framework with an embedded engine, and the dashboard at `/internal/ops`. */
export interface Application {
  readonly framework: string;
  /** Of `ojs init`. */
  readonly template: 'plain' | 'fastify' | 'next';
  /** What npm installs into the new project, beside the packages that every application needs. */
  readonly packages: readonly string[];
  /** Texts by their paths in the project. */
  readonly files: Readonly<Record<string, string>>;
  /** For production; null where nothing is built. */
  readonly build: Command | null;
  /** Listens on the port of `PORT`. */
  readonly start: Command;
  /** The same in development. */
  readonly develop: Command;
}

type Command = readonly [string, ...string[]];

/** The engine of one process, with a worker and jobs; and who may do what. */
const engine = `import { Client, Worker } from '@ojs-ts/sdk';
import { type Embedded, openEmbedded } from '@ojs-ts/server';

declare global {
  var jobs: Promise<Embedded> | undefined;
}

export const engine = (): Promise<Embedded> => (globalThis.jobs ??= open());

async function open(): Promise<Embedded> {
  const embedded = await openEmbedded(\`sqlite:./jobs-\${process.env.PORT ?? 0}.db\`);
  const client = new Client(embedded);
  for (const order of [1, 2]) await client.enqueue('report.build', [order], { queue: 'reports' });
  await client.enqueue('email.send', ['ada@example.com'], { queue: 'mail' });
  await client.enqueue('card.charge', [4711], { queue: 'mail', retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
  const worker = new Worker(embedded, { queues: ['mail'], handleSignals: false });
  worker.register('email.send', async ({ args: [to] }) => ({ accepted: to }));
  worker.register('card.charge', async () => {
    throw new Error('The card has expired.');
  });
  void worker.start();
  return embedded;
}

export function roleOf(cookie: string | null | undefined): 'admin' | 'viewer' | false {
  const role = /(?:^|; )role=(admin|viewer)/.exec(cookie ?? '')?.[1];
  return role === 'admin' || role === 'viewer' ? role : false;
}

/** Whether everybody may do everything. */
export const isOpen = process.env.OPEN === '1';
`;

const express = `import { expressDashboard } from '@ojs-ts/dashboard/express';
import express from 'express';
import { engine, isOpen, roleOf } from './engine.ts';

const app = express();
const authorize = isOpen ? undefined : (request: express.Request) => roleOf(request.headers.cookie);
app.use('/internal/ops', expressDashboard(await engine(), { authorize }));
app.use(express.json());
app.listen(Number(process.env.PORT), '127.0.0.1');
`;

const fastify = `import { fastifyDashboard } from '@ojs-ts/dashboard/fastify';
import { type FastifyRequest, fastify } from 'fastify';
import { engine, isOpen, roleOf } from './engine.ts';

const app = fastify();
await app.register(fastifyDashboard<FastifyRequest>, {
  prefix: '/internal/ops',
  engine: await engine(),
  authorize: isOpen ? undefined : (request) => roleOf(request.headers.cookie),
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
`;

const hono = `import { serve } from '@hono/node-server';
import { honoDashboard } from '@ojs-ts/dashboard/hono';
import { Hono } from 'hono';
import { engine, isOpen, roleOf } from './engine.ts';

const app = new Hono();
const dashboard = honoDashboard(await engine(), {
  authorize: isOpen ? undefined : (c) => roleOf(c.req.raw.headers.get('cookie')),
});
app.all('/internal/ops/*', dashboard);
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) });
`;

const nextRoute = `import { nextDashboard } from '@ojs-ts/dashboard/next';
import { engine, isOpen, roleOf } from '../../../../engine.ts';

export const dynamic = 'force-dynamic';
export const { GET, HEAD, POST, PUT, PATCH, DELETE } = nextDashboard(engine, {
  authorize:
    isOpen && process.env.NODE_ENV !== 'development'
      ? undefined
      : (request) => isOpen || roleOf(request.headers.get('cookie')),
});
`;

const nextConfig = `import type { NextConfig } from 'next';

const config: NextConfig = {
  serverExternalPackages: ['@ojs-ts/dashboard', '@ojs-ts/sdk', '@ojs-ts/server'],
  // For the proxy that removes a prefix.
  skipTrailingSlashRedirect: true,
};

export default config;
`;

const start: Command = ['node', 'src/ops.ts'];
const node = { build: null, start, develop: ['env', 'NODE_ENV=development', ...start] } as const;

export const applications: readonly Application[] = [
  {
    framework: 'Express',
    template: 'plain',
    packages: [tested('express'), tested('@types/express')],
    files: { 'src/engine.ts': engine, 'src/ops.ts': express },
    ...node,
  },
  {
    framework: 'Fastify',
    template: 'fastify',
    packages: [tested('fastify')],
    files: { 'src/engine.ts': engine, 'src/ops.ts': fastify },
    ...node,
  },
  {
    framework: 'Hono',
    template: 'plain',
    packages: [tested('hono'), '@hono/node-server@2.1.9'],
    files: { 'src/engine.ts': engine, 'src/ops.ts': hono },
    ...node,
  },
  {
    framework: 'Next.js',
    template: 'next',
    packages: [],
    files: {
      'next.config.ts': nextConfig,
      'src/engine.ts': engine,
      'src/app/internal/ops/[[...path]]/route.ts': nextRoute,
    },
    build: ['npm', 'run', 'build'],
    start: ['node_modules/.bin/next', 'start'],
    develop: ['node_modules/.bin/next', 'dev'],
  },
];

/** The version of a package that the other tests of the dashboard have. */
function tested(name: string): string {
  const text = readFileSync(new URL('../../packages/dashboard/package.json', import.meta.url), 'utf8');
  const { devDependencies }: { readonly devDependencies: Readonly<Record<string, string>> } = JSON.parse(text);
  return `${name}@${devDependencies[name]}`;
}

/** Creates the project `app` in a home, as a user would. */
export async function create(home: Home, { template, packages, files }: Application): Promise<void> {
  await home.run('.', 'npm', 'create', '--yes', 'ojs-ts', 'app', '--', '--template', template);
  await home.run('app', 'npm', 'install', '@ojs-ts/dashboard', '@ojs-ts/server', ...packages);
  for (const [path, text] of Object.entries(files)) await home.write(`app/${path}`, text);
}
