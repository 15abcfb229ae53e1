import { createServer, type Server } from 'node:http';
import { uuidv7 } from '@ojs-ts/core';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, JobNotFoundError, OJSAPIError, OJSConnectionError, Worker } from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';
import { openProxy } from '../support/proxy.ts';

let server: RunningServer;
let other: Server;
let otherUrl: string;

beforeAll(async () => {
  server = await startServer({ storage: 'memory:', port: 0, log: false });
  other = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.startsWith('/json')) response.setHeader('content-type', 'application/json').end('{"hello":"world"}');
    else if (path.startsWith('/plain'))
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    else response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>Welcome</html>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  otherUrl = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  await new Promise((resolve) => other.close(resolve));
  await server.close();
});

const id = uuidv7();

async function refusalOf(
  url: string,
  call: (client: Client) => Promise<unknown> = (client) => client.getJob(id),
): Promise<unknown> {
  await using client = new Client(url, { requestRetry: false });
  return await call(client).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('what is no missing job', () => {
  test('a missing job is a JobNotFoundError with the server’s message', async () => {
    const error = await refusalOf(server.url);
    expect(error).toBeInstanceOf(JobNotFoundError);
    expect(error).toMatchObject({
      code: 'not_found',
      statusCode: 404,
      message: expect.stringMatching(/^There is no job with the id \S+\.$/),
    });
    expect(await refusalOf(server.url, (client) => client.getSchema('nobody:knows'))).toBeInstanceOf(JobNotFoundError);
    expect(await refusalOf(server.url, (client) => client.getWorkflow(id))).toBeInstanceOf(JobNotFoundError);
  });

  test('a wrong base path on an OJS server', async () => {
    const error = await refusalOf(`${server.url.replace('//', '//me:secret@')}/wrong`);
    expect(error).toBeInstanceOf(OJSAPIError);
    expect(error).not.toBeInstanceOf(JobNotFoundError);
    expect(error).toMatchObject({
      code: 'route_not_found',
      statusCode: 404,
      message: `GET ${server.url}/wrong/ojs/v1/jobs/${id}: 404, no such route. Check the base path of the URL; an older server may lack this operation.`,
    });
  });

  test('a 404 of a server that is none of OJS, such as a router’s own', async () => {
    const error = await refusalOf(`${otherUrl}/plain`);
    expect(error).not.toBeInstanceOf(JobNotFoundError);
    expect(error).toMatchObject({
      name: 'OJSAPIError',
      code: 'route_not_found',
      message: `GET ${otherUrl}/plain/ojs/v1/jobs/${id}: expected an error of Open Job Spec, got 404 text/plain "404 page not found". Check the host, the port and the base path of the URL, and that an OJS server answers there.`,
    });
  });

  test('a page with status 200', async () => {
    const error = await refusalOf(otherUrl);
    expect(error).toBeInstanceOf(OJSConnectionError);
    expect(error).toMatchObject({
      message: `GET ${otherUrl}/ojs/v1/jobs/${id}: expected a JSON object, got 200 text/html "<html>Welcome</html>". Check the host, the port and the base path of the URL, and that an OJS server answers there.`,
    });
  });

  test.each<[string, (client: Client) => Promise<unknown>, string]>([
    ['getJob', (client) => client.getJob(id), `GET /json/ojs/v1/jobs/${id}: The answer holds no job`],
    ['enqueue', (client) => client.enqueue('a.job', []), 'POST /json/ojs/v1/jobs: The answer holds no job'],
    [
      'getWorkflow',
      (client) => client.getWorkflow(id),
      `GET /json/ojs/v1/workflows/${id}: The answer holds no workflow`,
    ],
  ])('200 with other JSON: %s', async (_, call, words) => {
    const error = await refusalOf(`${otherUrl}/json`, call);
    expect(error).toBeInstanceOf(OJSConnectionError);
    expect(error).toMatchObject({
      name: 'OJSConnectionError',
      message: expect.stringContaining(words.replace(' ', ` ${otherUrl}`)),
    });
  });

  test('an older server that lacks an operation', async () => {
    const missing = { status: 404, body: 'Cannot GET' };
    await using proxy = await openProxy(server.url, (line) => (line.includes('/dead-letter') ? missing : 'pass'));
    const error = await refusalOf(proxy.url, (client) => client.listDeadLetterJobs());
    expect(error).not.toBeInstanceOf(JobNotFoundError);
    expect(error).toMatchObject({ code: 'route_not_found', message: expect.stringContaining('/ojs/v1/dead-letter') });
  });

  test('a worker without a server logs one warning with URL and advice, and logs when the server answers', async () => {
    const logger = keepingLogger();
    const down = { status: 503, body: 'down' };
    let isUp = false;
    await using proxy = await openProxy(server.url, () => (isUp ? 'pass' : down));
    const worker = new Worker(proxy.url, {
      logger,
      handleSignals: false,
      heartbeatThread: false,
      heartbeatInterval: 200,
    });
    const running = worker.register('a.job', () => {}).start();
    const lines = (level: string) => logger.lines.filter((line) => line.level === level).map(({ message }) => message);
    await expect
      .poll(() => lines('debug').filter((message) => message === 'heartbeat failed').length)
      .toBeGreaterThan(3);
    expect(lines('warn')).toHaveLength(1);
    expect(lines('info')).toEqual(['worker started']);
    isUp = true;
    await expect.poll(() => lines('info')).toContain('server reachable again');
    await worker.stop({ timeout: 0 });
    await running;

    const lonely = keepingLogger();
    const nobody = new Worker('http://127.0.0.1:1/base', {
      logger: lonely,
      handleSignals: false,
      heartbeatThread: false,
    });
    const waiting = nobody.register('a.job', () => {}).start();
    await expect.poll(() => lonely.lines.filter(({ level }) => level === 'debug').length).toBeGreaterThan(1);
    const warnings = lonely.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(warnings).toEqual([
      expect.stringMatching(/^(server unreachable: trying again|heartbeat failed); is a server running at http:/),
    ]);
    expect(warnings[0]).toContain(
      'http://127.0.0.1:1/base? Start one with `npx ojs serve`, or name another in OJS_BACKEND_URL',
    );
    await nobody.stop({ timeout: 0 });
    await waiting;
  });

  test('a worker with a wrong address logs once what answers there, and tries again', async () => {
    const logger = keepingLogger();
    const worker = new Worker(`${otherUrl}/plain`, { logger, handleSignals: false, heartbeatThread: false });
    const running = worker.register('a.job', () => {}).start();
    const lines = () =>
      logger.lines.filter(
        ({ message }) => message.startsWith('server unreachable') || message.startsWith('heartbeat failed'),
      );
    await expect.poll(() => lines().map(({ message }) => message)).toContain('server unreachable: trying again');
    expect(JSON.stringify(lines())).toContain(
      `POST ${otherUrl}/plain/ojs/v1/workers/exchange: expected an error of Open Job Spec, got 404`,
    );
    await worker.stop({ timeout: 0 });
    await running;
  });
});
