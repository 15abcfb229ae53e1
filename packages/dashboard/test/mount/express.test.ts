import { request as ask } from 'node:http';
import { openEmbedded } from '@ojs-ts/server';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { expect, test } from 'vitest';
import { expressDashboard } from '../../src/express.ts';
import { proxyTo } from '../proxy.ts';
import { addressesOf, builtPages, exerciseMount, listening, own, read, readUntil, script } from './support.ts';

const answerError: ErrorRequestHandler = (_error, _request, response, _next) => {
  response.status(500).end();
};

exerciseMount('express', async (engine, options, authorizeBy) => {
  const app = express();
  const authorize = authorizeBy((request: express.Request, name) => request.get(name));
  app.use('/ops/jobs', expressDashboard(engine, { ...options, authorize }));
  app.use(express.json());
  app.use(answerError);
  return listening(app);
});

const pages = builtPages();

async function serving(mount: (app: Express, engine: Awaited<ReturnType<typeof openEmbedded>>) => void) {
  const engine = await openEmbedded('sqlite:');
  const app = express();
  mount(app, engine);
  const served = await listening(app);
  return {
    ...served,
    engine,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ['a part of the prefix', '/company', ''],
  ['the prefix, for a mount at the root of a router', '/company/ops/jobs', '/ops/jobs'],
])('behind a proxy that removes %s', async (_name, prefix, added) => {
  await using app = await serving((app, engine) => app.use('/ops/jobs', expressDashboard(engine, { pages })));
  await using proxy = await proxyTo(app.origin, prefix, added);
  for (const path of ['/company/ops/jobs', '/company/ops/jobs/', '/company/ops/jobs/queues/mail']) {
    const page = await proxy.fetch(path);
    const { script: address, apiRoot } = await addressesOf(page, new URL(page.url));
    expect([path, address.pathname]).toEqual([path, `/company/ops/jobs/${script}`]);
    expect((await fetch(address)).status).toBe(200);
    const stream = await fetch(new URL('ojs/v1/events/stream', apiRoot));
    const reader = stream.body?.getReader();
    if (reader === undefined) throw new Error('the stream has no body');
    await readUntil(reader, /^id: /m);
    const body = '{"type":"a.b","args":[9007199254740993]}';
    const sent = await fetch(new URL('ojs/v1/jobs', apiRoot), { method: 'POST', headers: own, body });
    expect([sent.status, await sent.text()]).toEqual([201, expect.stringContaining('[9007199254740993]')]);
    await readUntil(reader, /event: job\./);
    await reader.cancel();
  }
});

test('a body parser that ran before makes the call an error that says what to do', async () => {
  await using app = await serving((app, engine) => {
    app.use(express.json());
    app.use('/ops/jobs', expressDashboard(engine, { pages }));
  });
  const body = '{"type":"a.b","args":[9007199254740993]}';
  const sent = await app.fetch('/ops/jobs/ojs/v1/jobs', { method: 'POST', headers: own, body });
  const { error } = await read(sent);
  expect([sent.status, error.hint]).toEqual([
    500,
    'Mount the dashboard before express.json() and other parsers, or let them keep the text as request.rawBody.',
  ]);
  expect((await app.fetch('/ops/jobs/ojs/v1/queues')).status).toBe(200);
});

test('a body parser that keeps the text may run before', async () => {
  await using app = await serving((app, engine) => {
    const verify = (request: object, _response: unknown, rawBody: Buffer) => void Object.assign(request, { rawBody });
    app.use(express.json({ verify }));
    app.use('/ops/jobs', expressDashboard(engine, { pages }));
  });
  const body = '{"type":"a.b","args":[9007199254740993]}';
  const sent = await app.fetch('/ops/jobs/ojs/v1/jobs', { method: 'POST', headers: own, body });
  expect([sent.status, await sent.text()]).toEqual([201, expect.stringContaining('[9007199254740993]')]);
});

test('without authorize a mount answers to this machine only', async () => {
  await using app = await serving((app, engine) => app.use('/ops/jobs', expressDashboard(engine, { pages })));
  const status = (host: string, path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      ask(`${app.origin}${path}`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
  for (const path of ['/ops/jobs/', '/ops/jobs/session', '/ops/jobs/ojs/v1/queues']) {
    for (const host of ['localhost:3000', 'shop.localhost', '127.0.0.1', '[::1]:3000'])
      expect([host, path, await status(host, path)]).toEqual([host, path, 200]);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])
      expect([host, path, await status(host, path)]).toEqual([host, path, 403]);
  }
  const session = await (await app.fetch('/ops/jobs/session')).json();
  expect(session).toMatchObject({ required: false, authenticated: true, principal: null, roles: ['admin'] });
});

test('a router in a router, and a server without a framework', async () => {
  await using app = await serving((app, engine) => {
    const router = express.Router();
    router.use('/jobs', expressDashboard(engine, { pages }));
    app.use('/:tenant/ops', router);
  });
  for (const path of ['/shop/ops/jobs', '/shop/ops/jobs/queues/mail']) {
    const page = await app.fetch(path);
    const { script: address } = await addressesOf(page, new URL(page.url));
    expect(address.pathname).toBe(`/shop/ops/jobs/${script}`);
  }
  const dashboard = expressDashboard(app.engine, { pages });
  await using bare = await listening((request, response) => dashboard(request, response, () => response.destroy()));
  const page = await bare.fetch('/queues/mail');
  expect((await addressesOf(page, new URL(page.url))).script.pathname).toBe(`/${script}`);
  expect((await bare.fetch('/ojs/v1/queues')).status).toBe(200);
});
