import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { openEmbedded } from '@ojs-ts/server';
import express, { type Request, type Response } from 'express';
import { expect, test } from 'vitest';
import { expressOjs } from '../../src/express/index.ts';
import { Client, Worker } from '../../src/index.ts';
import { gate } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';
import { ask, exerciseFramework, signup } from './signup.ts';

exerciseFramework('express', async (options) => {
  const ojs = expressOjs<object, Request>({ ...options, context: () => ({ userId: '7' }) });
  const app = express();
  app.set('env', 'test');
  app.use(ojs.middleware);
  app.use(express.json());
  app.post('/signup', async (request: Request, response: Response) => {
    const { status, id } = await signup(ojs, request.body);
    response.status(status).json({ id });
  });
  app.get('/health', ojs.healthRoute);
  const server = ojs.closeWith(app.listen(0));
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    post: (path, body, headers) => ask(url, path, body, headers),
    get: (path) => ask(url, path),
    async [Symbol.asyncDispose]() {
      if (server.listening) {
        server.close();
        server.closeIdleConnections();
        await once(server, 'close');
      }
      await ojs.close();
    },
  };
});

test('a request whose client disconnected enqueues nothing', async () => {
  await using embedded = await openEmbedded('memory:');
  const ojs = expressOjs({ target: embedded, logger: keepingLogger() });
  const app = express();
  const { opened, open } = gate();
  const { opened: gone, open: leave } = gate();
  const { opened: tried, open: end } = gate();
  app.use(ojs.middleware);
  app.post('/slow', async (_request: Request, response: Response) => {
    response.once('close', () => leave());
    open();
    await gone;
    await ojs.enqueueAfterCommit('mail.welcome', []);
    response.end('done');
    end();
  });
  const server = app.listen(0);
  await once(server, 'listening');
  const leaving = new AbortController();
  const asked = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slow`, {
    method: 'POST',
    signal: leaving.signal,
  });
  await opened;
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await tried;
  server.close();
  server.closeAllConnections();
  await ojs.close();
  expect((await new Client(embedded).queueStats('default')).available).toBe(0);
});

test('closing the server drains the worker', async () => {
  await using embedded = await openEmbedded('memory:');
  const worker = new Worker(embedded, { handleSignals: false, logger: keepingLogger() });
  const { opened: began, open: begin } = gate();
  const { opened: released, open: release } = gate();
  worker.register('slow.job', async () => {
    begin();
    await released;
  });
  const ojs = expressOjs({ target: embedded, worker, logger: keepingLogger() });
  const server = ojs.closeWith(express().listen(0));
  await once(server, 'listening');
  const { id } = await ojs.client.enqueue('slow.job', []);
  await began;
  server.close();
  await once(server, 'close');
  expect(worker.state).toBe('terminate');
  release();
  await ojs.close();
  expect((await new Client(embedded).getJob(id)).state).toBe('completed');
  await expect(ojs.client.enqueue('slow.job', [])).rejects.toThrow();
});

test('the status of the OJS server never becomes the status of the application’s response', async () => {
  const target = {
    call: async () => ({
      status: 403,
      headers: {},
      text: '{"error":{"code":"permission_denied","message":"refused"}}',
    }),
    async [Symbol.asyncDispose]() {},
  };
  const ojs = expressOjs({ target, logger: keepingLogger() });
  const app = express();
  app.set('env', 'test');
  app.use(ojs.middleware);
  app.get(
    '/',
    async (_request: Request, response: Response) => void response.json(await ojs.client.enqueue('a.b', [])),
  );
  const server = app.listen(0);
  await once(server, 'listening');
  expect((await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).status).toBe(500);
  server.close();
  server.closeAllConnections();
  await ojs.close();
  await expect(new Client(target).enqueue('a.b', [])).rejects.toMatchObject({ statusCode: 403, status: 500 });
});
