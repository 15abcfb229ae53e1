import { Agent } from 'node:http';
import { gzipSync } from 'node:zlib';
import { type OperationName, operationNames, type Route, routeOf, routesOf } from '@ojs-ts/core/operations';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { anyCharacter, words } from '../../../core/test/support/text.ts';
import type { RunningServer } from '../../src/index.ts';
import { type Canaries, nowhere, plantCanaries, snapshot } from '../support/canaries.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { parseResponse, type Request, type Response, raw, send } from '../support/request.ts';
import { bodyOf, fillPath, optionalBodyOf, paramsOf, requestOf } from '../support/requests/valid-requests.ts';
import { placed, wrongValues } from '../support/requests/wrong-values.ts';
import { serve } from '../support/server.ts';
import { storageNames, storages } from '../support/storages.ts';

/**
 * The acceptance line: hostile requests, generated from the route table and classes of mutation. Each is answered as
 * specified, the server stays healthy, and the store is what it was.
 */
describe.each(storages)('hostile requests, $name', (storage) => {
  // What is refused before a storage is asked: of each operation on one storage, and on every storage of some. Wrong
  // values are sent to every operation on SQLite, which is the storage of `npm test`.
  const position = storageNames.indexOf(storage.name);
  const share = (names: readonly OperationName[]) =>
    names.filter((_, index) => index % storageNames.length === position);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let server: RunningServer;
  let canaries: Canaries;
  let before: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    // The canaries' worker sends no more heartbeats.
    server = await serve({ storage: storage.url(), engine: { deadAfterMs: 86_400_000 } });
    canaries = await plantCanaries(server.url);
    before = await snapshot(server);
  });
  afterEach(async () => {
    expect(await ask({ path: '/ojs/v1/health' })).toMatchObject({ status: 200 });
    const after = await snapshot(server);
    const unchanged = before;
    // Where it failed, the next test is about its own requests again.
    before = after;
    expect(after).toEqual(unchanged);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
  });

  function ask(request: Request): Promise<Response> {
    return send(server.url, request, { agent });
  }

  async function refused(request: Request, status: number, code?: string): Promise<void> {
    expectRefusal(await ask(request), status, code);
  }

  async function refusedBytes(bytes: string, status: number, code?: string): Promise<void> {
    expectRefusal(parseResponse(await raw(server.url, bytes)), status, code);
  }

  const forbidden = (request: Request) => refused(request, 403, 'permission_denied');

  function request(name: OperationName, route?: Route): Request {
    return requestOf(name, canaries, route);
  }

  /** The path of a route with something else in place of `:name`, as it is. */
  function pathWith(name: OperationName, route: Route, placeholder: string, value: string): string {
    const [before = '', after] = route.path.split(`:${placeholder}`);
    const params = paramsOf(name, canaries);
    return after === undefined
      ? ''
      : `${fillPath({ ...route, path: before }, params)}${value}${fillPath({ ...route, path: after }, params)}`;
  }

  function body(name: OperationName): object {
    return bodyOf(name, canaries) ?? {};
  }

  function withBody(name: OperationName, text: string | Buffer, headers: Request['headers'] = {}): Request {
    return { ...request(name), body: text, headers };
  }

  const withBodies = operationNames.filter((name) => bodyOf(name, nowhere) !== undefined);
  const withOptionalBodies = operationNames.filter((name) => optionalBodyOf(name, nowhere) !== undefined);
  const withIds = routesWith(':id');
  const withNames = routesWith(':name');
  const withKeys = routesWith(':key');

  describe.each(share(withBodies))('%s: the body', (name) => {
    test('is cut off anywhere', async () => {
      const text = JSON.stringify(body(name));
      await fc.assert(
        fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
          await refused(withBody(name, text.slice(0, length)), 400, 'invalid_payload');
        }),
        { numRuns: 15 },
      );
    });

    test('is no JSON', async () => {
      const bodies = [
        '{',
        '}',
        '{]',
        '{a:1}',
        "{'a':1}",
        '{"a":01}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":1,}',
        '{"a":"\u0001"}',
        '{"a":"\\x"}',
        '{} {}',
        'null x',
      ];
      for (const text of bodies) await refused(withBody(name, text), 400, 'invalid_payload');
    });

    test('is any text', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: anyCharacter, minLength: 1 }), async (text) => {
          await refused(withBody(name, text), 400, 'invalid_payload');
        }),
        { numRuns: 15 },
      );
    });

    test('is JSON, but no object', async () => {
      for (const text of ['null', 'true', '1', '"x"', '[]', '[{}]'])
        await refused(withBody(name, text), 400, 'invalid_payload');
      await refused({ ...request(name), body: '' }, 400, 'invalid_payload');
    });

    test('is not UTF-8, or has a byte order mark', async () => {
      const text = JSON.stringify(body(name));
      const bytes = Buffer.from(text);
      const bodies = [
        Buffer.concat([bytes.subarray(0, 5), Buffer.from([0xff]), bytes.subarray(5)]),
        Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xed, 0xa0, 0x80]), bytes.subarray(2)]),
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
        Buffer.from(text, 'utf16le'),
        Buffer.from([0xc0, 0xaf]),
      ];
      for (const text of bodies) await refused(withBody(name, text), 400, 'invalid_payload');
    });

    test('nests too deep', async () => {
      for (const depth of [64, 100_000]) {
        const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
        const text = JSON.stringify({ ...body(name), deep: 0 }).replace('"deep":0', `"deep":${deep}`);
        await refused(withBody(name, text), 400, 'invalid_payload');
        await refused(withBody(name, '{"a":'.repeat(depth)), 400, 'invalid_payload');
      }
    });

    test('has a foreign media type', async () => {
      const text = JSON.stringify(body(name));
      const types = [
        'text/plain',
        'text/plain;charset=UTF-8',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/xml',
        'json',
        '*/*',
        'application/json+x',
        ';',
      ];
      for (const type of types) await refused(withBody(name, text, { 'content-type': type }), 400, 'invalid_request');
    });

    test('is larger than 32 MiB', async () => {
      const headers = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${33 * 1_048_576}\r\nConnection: close`;
      const { method, path } = request(name);
      const bytes = `${method} ${path} HTTP/1.1\r\n${headers}\r\n\r\n{"a":"`;
      await refusedBytes(bytes, 413, 'envelope_too_large');
    });

    test('is not as long as Content-Length says', async () => {
      const text = JSON.stringify(body(name));
      const { method, path } = request(name);
      const head = (length: number | string) =>
        `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
      await refusedBytes(`${head(text.length - 1)}${text}`, 400);
      for (const length of ['-1', '1e3', '0x10', '99999999999999999999999', `${text.length}\r\nContent-Length: 1`]) {
        await refusedBytes(`${head(length)}${text}`, 400, 'invalid_request');
      }
    });
  });

  const mistaken = storage.name === 'sqlite' ? withBodies : share(withBodies);
  describe.each(mistaken)('%s: the body', (name) => {
    test('has fields of wrong types, and values out of range', async () => {
      for (const { path, value } of wrongValues(name)) {
        const text = JSON.stringify(placed(body(name), path, '@')).replace('"@"', () => value);
        const response = await ask(withBody(name, text));
        const status = path.includes('retry') ? 422 : 400;
        expect(response.status, `${path.join('.')} = ${value.slice(0, 80)}: ${response.text}`).toBe(status);
        expectRefusal(response, status, status === 422 ? 'validation_error' : 'invalid_request');
      }
    });

    test('has a member twice: the last counts', async () => {
      const [first] = Object.keys(body(name)).filter((key) => key !== 'id');
      const text = JSON.stringify(body(name));
      await refused(withBody(name, `${text.slice(0, -1)},"${first}":{"no":1e400}}`), 400, 'invalid_request');
    });
  });

  test.each(mistaken.filter((name) => !['cron.update', 'queue.configure', 'queue.limit'].includes(name)))(
    '%s: what it needs is named only on a prototype',
    async (name) => {
      const text = JSON.stringify(body(name));
      for (const key of ['__proto__', 'constructor', 'prototype']) {
        await refused(withBody(name, `{"${key}":${text}}`), 400, 'invalid_request');
        await refused(withBody(name, `{"constructor":{"prototype":${text}}}`), 400, 'invalid_request');
      }
    },
  );

  describe.each(withIds)('$name, $route.method $route.path: the id', ({ name, route }) => {
    const wrong = [
      ...words(`
      %20 x 00000000-0000-4000-8000-000000000000 ..%2f..%2fetc%2fpasswd %00 %2f a%2fb %22%27-- %f0%9f%92%a9 *
      __proto__ constructor
    `),
      'a'.repeat(2_000),
      `${'a'.repeat(5_000)}`,
    ];
    const at = (id: string) => ({ ...request(name, route), path: pathWith(name, route, 'id', id) });

    test('has a wrong form, or is unknown', async () => {
      const known = paramsOf(name, canaries).id ?? '';
      for (const id of [...wrong, known.toUpperCase(), ` ${known}`, `${known}%00`, `${known}0`, newId()]) {
        const response = await ask(at(id.replaceAll(' ', '%20')));
        expectRefusal(response, 404, 'not_found');
      }
    });

    test('is no valid part of a URL', async () => {
      for (const id of ['%', '%zz', '%e0%a4%a', '%ff', '%c0%af', '%ed%a0%80'])
        await refused(at(id), 400, 'invalid_request');
    });

    test('is empty, or a path', async () => {
      for (const id of ['', '.', '..', '/', '../jobs', 'a/b']) expect((await ask(at(id))).status).toBeOneOf([400, 404]);
    });
  });

  test.each(withNames)('$name, $route.method $route.path: the name is wrong', async ({ name, route }) => {
    const [status, code] = name.startsWith('cron.')
      ? ([404, 'not_found'] as const)
      : ([400, 'invalid_request'] as const);
    for (const wrong of [...'UPPER -a .a a_b a%20b %00 a%2fb %C3%A9 __proto__'.split(' '), 'a'.repeat(256), 'a%0a']) {
      await refused({ ...request(name, route), path: pathWith(name, route, 'name', wrong) }, status, code);
    }
  });

  test.each(withKeys)('$name, $route.method $route.path: the key is wrong', async ({ name, route }) => {
    const writes = route.method === 'PUT';
    for (const wrong of [
      '%00',
      'a%00b',
      'a'.repeat(256),
      ...(writes && name.startsWith('limit.') ? ['cron%3Aa'] : ['__proto__', 'UPPER']),
    ]) {
      const response = await ask({ ...request(name, route), path: pathWith(name, route, 'key', wrong) });
      expectRefusal(response, writes ? 400 : 404, writes ? 'invalid_request' : 'not_found');
    }
  });

  test.each(withOptionalBodies)('%s: an optional body that is wrong', async (name) => {
    const right = optionalBodyOf(name, canaries) ?? {};
    const text = JSON.stringify(right);
    // The body of a retry without `override` is one that clients send to every action.
    const cut = [text.slice(0, -1), `${text}x`, ...(name === 'deadLetter.retry' ? [] : ['null', '[]', '1'])];
    for (const wrong of cut) await refused(withBody(name, wrong), 400, 'invalid_payload');
    for (const member of Object.keys(right)) {
      for (const value of [1, [[]], '\u0000']) {
        const response = await ask(withBody(name, JSON.stringify({ ...right, [member]: value })));
        expectRefusal(response, 400, 'invalid_request');
      }
    }
  });

  describe.each(share(operationNames))('%s: the request', (name) => {
    const origins = [
      'http://evil.test',
      'https://evil.test:8080',
      'null',
      'file://',
      'http://localhost:1',
      'http://127.0.0.1',
      'http://127.0.0.1.evil.test',
      '',
      '*',
      'http://[::1]:1',
    ];
    test('is from a page of another origin', async () => {
      for (const origin of origins) await forbidden({ ...request(name), headers: { origin } });
      await forbidden({ ...request(name), headers: { 'sec-fetch-site': 'cross-site' } });
      if (routeOf(name).method !== 'GET') {
        await forbidden({ ...request(name), headers: { 'sec-fetch-site': 'same-site' } });
      }
      for (const route of routesOf(name).slice(1)) {
        await forbidden({ ...request(name, route), headers: { origin: 'http://evil.test' } });
        await forbidden({ ...request(name, route), headers: { host: 'evil.test' } });
      }
    });

    test('is addressed to another host', async () => {
      const { port } = new URL(server.url);
      const hosts = [
        'evil.test',
        `evil.test:${port}`,
        ...words(`
        127.0.0.1.evil.test localhost.evil.test localhost. x@127.0.0.1 127.0.0.1:80:80 2130706433 ::1 [::1
        localhost/
      `),
      ];
      for (const host of hosts) await forbidden({ ...request(name), headers: { host } });
      // A page behind a rebound name is of the same origin to its browser.
      for (const host of hosts.slice(0, 2)) {
        await forbidden({ ...request(name), headers: { host, origin: `http://${host}` } });
      }
      for (const version of ['1.0', '1.1']) {
        const { method, path } = request(name);
        await refusedBytes(`${method} ${path} HTTP/${version}\r\nConnection: close\r\n\r\n`, 403);
      }
    });

    test('asks for another version, or has the wrong method', async () => {
      for (const version of ['2.0', '0.9', '10', '', 'x']) {
        await refused({ ...request(name), headers: { 'ojs-version': version } }, 422, 'unsupported');
      }
      for (const route of routesOf(name)) {
        const { path } = request(name, route);
        const known = methodsOf(path);
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'].filter(
          (one) => !known.has(one),
        )) {
          await refused({ path, method, body: '{}' }, 404, 'not_found');
        }
      }
    });

    test('has headers that are too large, or an unknown expectation', async () => {
      const { method, path } = request(name);
      const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n`;
      await refusedBytes(`${head}X-Big: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'invalid_request');
      await refusedBytes(`${head}Expect: tea\r\nContent-Length: 2\r\n\r\n{}`, 417, 'invalid_request');
    });
  });

  test.each(share(operationNames.filter((name) => routeOf(name).method !== 'GET')))(
    '%s: a body is refused by its media type or its compression even where none is read',
    async (name) => {
      const form = { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
      await refused({ ...request(name), ...form }, 400, 'invalid_request');
      for (const encoding of ['gzip', 'br', 'zstd', 'deflate', 'identity, gzip', 'x']) {
        const compressed = { body: gzipSync('{}'), headers: { 'content-encoding': encoding } };
        await refused({ ...request(name), ...compressed }, 400, 'invalid_request');
      }
    },
  );

  test('bulk.enqueue: each item is wrong in its own way, and the only trace is the event', async () => {
    const values = wrongValues('job.enqueue');
    const jobs = values.map(({ path, value }) =>
      JSON.stringify(placed(body('job.enqueue'), path, '@')).replace('"@"', () => value),
    );
    const response = await ask(withBody('bulk.enqueue', `{"jobs":[${jobs.join(',')}]}`));
    expect(response.status).toBe(422);
    const { items } = JSON.parse(response.text) as { readonly items: readonly object[] };
    const codes = values.map(({ path }) => (path.includes('retry') ? 'validation_error' : 'invalid_request'));
    expect(items).toMatchObject(codes.map((code) => ({ status: 'failed', error: { code } })));
    before = { ...before, events: (await snapshot(server)).events };
  });

  test.each(
    words(`
    /jobs/:id/events /queues/:name/events /events/stream /jobs/:id/progress/stream /jobs/:id/result/stream
    /admin/stats/stream /admin/events/summaries
  `),
  )('the stream %s is closed to pages of another origin (ojs-realtime §6)', async (route) => {
    const path = `/ojs/v1${route.replace(':id', canaries.active).replace(':name', canaries.queue)}`;
    const wrong: readonly Request['headers'][] = [
      { origin: 'http://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { host: 'evil.test' },
      { host: 'evil.test', origin: 'http://evil.test' },
    ];
    for (const headers of wrong) {
      await forbidden({ path, headers: { accept: 'text/event-stream', ...headers } });
    }
    for (const method of ['POST', 'PUT', 'DELETE']) await refused({ path, method }, 404, 'not_found');
  });

  test('queries with nonsense', async () => {
    const result = `jobs/${canaries.active}/result`;
    const queries: Readonly<Record<string, readonly string[]>> = {
      'dead-letter': [
        ...['limit=0', 'limit=-1', 'limit=1e3', 'limit=x', 'offset=-1', 'page=0', 'cursor=x', 'cursor=%00'],
        'since=yesterday',
      ],
      queues: ['limit=x', 'cursor=A', 'page=1.5'],
      events: ['limit=0', ...['x', '-1', '1e400', '1.5.5', '0x10', '%20', '9'.repeat(20)].map((at) => `after=${at}`)],
      jobs: ['state=dead', 'limit=x', 'cursor=x'],
      workflows: ['state=dead', 'limit=0', 'cursor=x'],
      cron: ['limit=x'],
      'cron/canary-cron/runs': ['limit=0'],
      'rate-limits': ['limit=x'],
      schemas: ['cursor=x', 'limit=-1'],
      [result]: ['timeout=x', 'wait=true&timeout=-1'],
    };
    const paths = Object.entries(queries).flatMap(([path, all]) => all.map((query) => `/${path}?${query}`));
    for (const path of paths) {
      const response = await ask({ path: `/ojs/v1${path}` });
      expect(response.status, path).toBe(400);
      expectRefusal(response, 400, 'invalid_request');
    }
    await refused({ path: '/ojs/v1/events?__proto__=1&constructor=2&after=&types=*&%00=%00' }, 400, 'invalid_request');
  });

  test('bytes that are not HTTP', async () => {
    const garbage = [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\r\n\r\nx\r\n\r\n',
      'GET\r\n\r\n',
      'ASSERT / HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /\xff HTTP/1.1\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'POST /ojs/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
      'POST /ojs/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n',
    ];
    for (const bytes of garbage) await refusedBytes(bytes, 400, 'invalid_request');
    expect(await raw(server.url, 'CONNECT evil.test:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
  });

  test('any bytes', async () => {
    // Line breaks before a request mean nothing (RFC 9112 §2.2): of them alone none ever arrives, which is the header
    // timeout's case (limits.test.ts).
    const bytes = fc
      .uint8Array({ minLength: 1, maxLength: 200 })
      .filter((all) => all.some((byte) => byte !== 0x0a && byte !== 0x0d));
    await fc.assert(
      fc.asyncProperty(bytes, async (all) => {
        const text = await raw(server.url, Buffer.concat([all, Buffer.from('\r\n\r\n\r\n\r\n')]));
        if (text !== '') expectRefusal(parseResponse(text), 400, 'invalid_request');
      }),
      { numRuns: 50, examples: [[new Uint8Array([0])], [new Uint8Array([0xff, 0xfe])]] },
    );
  });
});

interface Spelling {
  readonly name: OperationName;
  readonly route: Route;
}

function routesWith(placeholder: string): readonly Spelling[] {
  const all = operationNames.flatMap((name) => routesOf(name).map((route) => ({ name, route })));
  return all.filter(({ route }) => route.path.split('/').includes(placeholder));
}

/** What may be asked of a path, by any route that fits it. */
function methodsOf(path: string): ReadonlySet<string> {
  const parts = path.split('/');
  const fits = (route: Route) => {
    const pattern = route.path.split('/');
    return (
      pattern.length === parts.length && pattern.every((part, index) => part.startsWith(':') || part === parts[index])
    );
  };
  return new Set(operationNames.flatMap((name) => routesOf(name).filter(fits)).map(({ method }) => method));
}
