import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer } from '@ojs-ts/server';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { Client, OJSAuthenticationError } from '../../src/index.ts';
import { platform as web } from '../../src/platform/web.ts';
import { sdkVersion } from '../../src/version.ts';
import { openProxy } from '../support/proxy.ts';

const server = await startServer({ storage: 'memory:', port: 0, log: false, tokens: ['secret-token'] });
afterAll(() => server.close());
afterEach(() => vi.unstubAllEnvs());

describe('requests (ojs-http-binding §4)', () => {
  test('requests carry the media type, version, ids, user agent and token', async () => {
    await using proxy = await openProxy(server.url, () => 'pass');
    await using client = new Client(proxy.url, { token: 'secret-token', headers: { 'X-Team': 'blue' } });
    const job = await client.enqueue('test.job', []);
    await client.getJob(job.id);
    const [post, get] = proxy.seen;
    expect(post?.line).toBe('POST /ojs/v1/jobs');
    expect(post?.headers).toMatchObject({
      'content-type': 'application/openjobspec+json',
      accept: 'application/openjobspec+json',
      'ojs-version': '1.0',
      'idempotency-key': job.id,
      'x-request-id': expect.stringMatching(/^req_/),
      'user-agent': `ojs-ts/${sdkVersion}`,
      authorization: 'Bearer secret-token',
      'x-team': 'blue',
    });
    expect(get?.headers['content-type']).toBeUndefined();
    expect(get?.headers['x-request-id']).not.toBe(post?.headers['x-request-id']);
  });

  test('a token function is asked before every request; a header of the caller wins', async () => {
    const tokens = ['wrong', 'secret-token'];
    await using client = new Client(server.url, { token: async () => tokens.shift() ?? '' });
    await expect(client.listQueues()).rejects.toBeInstanceOf(OJSAuthenticationError);
    expect(await client.listQueues()).toEqual(expect.any(Array));
    await using named = new Client(server.url, { token: 'wrong', headers: { Authorization: 'Bearer secret-token' } });
    await named.listQueues();
  });

  test('options override OJS_BACKEND_URL and OJS_AUTH_TOKEN', async () => {
    vi.stubEnv('OJS_BACKEND_URL', server.url);
    vi.stubEnv('OJS_AUTH_TOKEN', 'secret-token');
    await using client = new Client();
    await client.listQueues();
    await using other = new Client(undefined, { token: 'wrong' });
    await expect(other.listQueues()).rejects.toBeInstanceOf(OJSAuthenticationError);
  });

  test('a base URL may have a path; names in paths are encoded', async () => {
    const paths: (string | undefined)[] = [];
    const echo = createServer((request, response) => {
      paths.push(request.url);
      response.end('{"jobs":[]}');
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    await using client = new Client(`http://127.0.0.1:${(echo.address() as AddressInfo).port}/deep/er/`);
    await client.manifest();
    await client.queueStats('a/../b c');
    await client.listDeadLetterJobs({ queue: 'a&b', limit: 2 });
    expect(paths).toEqual([
      '/deep/er/ojs/manifest',
      '/deep/er/ojs/v1/queues/a%2F..%2Fb%20c/stats',
      '/deep/er/ojs/v1/dead-letter?limit=2&queue=a%26b',
    ]);
    echo.close();
  });
});

describe('the other HTTP client', () => {
  test('a given fetch is used', async () => {
    const urls: string[] = [];
    const spy: typeof fetch = (input, init) => {
      urls.push(String(input));
      return fetch(input, init);
    };
    await using client = new Client(server.url, { token: 'secret-token', fetch: spy });
    const job = await client.enqueue('test.job', [1]);
    expect(await client.getJob(job.id)).toMatchObject({ args: [1] });
    await client.pauseQueue('default');
    expect(urls[0]).toBe(`${server.url}/ojs/v1/jobs`);
  });

  test('the platform without Node talks to the same server', async () => {
    const transport = web.httpTransport({
      base: new URL(server.url),
      headers: {},
      token: 'secret-token',
      fetch: undefined,
    });
    await using client = new Client(transport);
    expect(await client.health()).toMatchObject({ status: 'ok' });
    await expect(client.getJob('x')).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('the version is the package’s', () => {
  expect(sdkVersion).toBe(manifest.version);
});
