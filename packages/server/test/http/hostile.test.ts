import { Agent } from 'node:http';
import { type OperationName, operationNames, operations, pathOf } from '@ojs-ts/core';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { type Canaries, plantCanaries, snapshot } from '../support/canaries.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { parseResponse, type Request, type Response, raw, send } from '../support/request.ts';
import { serve } from '../support/server.ts';

/**
 * The acceptance line: hostile requests, generated from the route table and classes of mutation. Each is answered as specified,
 * the server stays healthy, and the store is what it was.
 */
describe.each(['memory:', 'sqlite:'])('hostile requests, %s', (storage) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let server: RunningServer;
  let canaries: Canaries;
  let before: unknown;

  beforeAll(async () => {
    server = await serve({ storage });
    canaries = await plantCanaries(server.url);
  });
  beforeEach(async () => {
    before = await snapshot(server);
  });
  afterEach(async () => {
    expect(await ask({ path: '/ojs/v1/health' })).toMatchObject({ status: 200 });
    expect(await snapshot(server)).toEqual(before);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
  });

  function ask(request: Request): Promise<Response> {
    return send(server.url, request, { agent });
  }

  /** A body with which each operation would have an effect; undefined where it takes none. */
  function bodyOf(name: OperationName): object | undefined {
    const owner = { job_id: canaries.active, worker_id: 'keeper' };
    const fetch = { queues: [canaries.queue], count: 1, request_id: 'r-1', wait_ms: 0, visibility_timeout_ms: 60_000 };
    const beat = { active_jobs: [canaries.active], state: 'running', visibility_timeout_ms: 60_000_000 };
    const job = { type: 'a.b', args: [1], meta: { a: 1 }, options: { queue: canaries.queue, priority: 1, retry: { max_attempts: 2 } } };
    const bodies: Partial<Record<OperationName, object>> = {
      'job.enqueue': { id: newId(), ...job },
      'job.enqueueBatch': { jobs: [{ id: newId(), ...job }, job] },
      'worker.fetch': { ...fetch, worker_id: 'keeper' },
      'worker.ack': { ...owner, result: { a: 1 } },
      'worker.nack': { ...owner, error: { code: 'x', message: 'm', retryable: true }, delay_ms: 1 },
      'worker.heartbeat': { worker_id: 'keeper', ...beat },
      'worker.exchange': { worker_id: 'keeper', acks: [owner], nacks: [{ ...owner, error: { message: 'm' } }], beat, fetch },
    };
    return bodies[name];
  }

  /** A job that the operation would change. */
  function paramsOf(name: OperationName): Readonly<Record<string, string>> {
    const id = name.startsWith('deadLetter.') ? canaries.deadLetter : name === 'job.activate' ? canaries.pending : canaries.available;
    return { id, name: canaries.queue };
  }

  /** The request that would succeed. */
  function request(name: OperationName): Request {
    const body = bodyOf(name);
    return { method: operations[name].method, path: pathOf(name, paramsOf(name)), ...(body && { body: JSON.stringify(body) }) };
  }

  function withBody(name: OperationName, body: string | Buffer, headers: Request['headers'] = {}): Request {
    return { ...request(name), body, headers };
  }

  const withBodies = operationNames.filter((name) => isBodied(name));
  const withIds = operationNames.filter((name) => operations[name].path.includes(':id'));
  const withNames = operationNames.filter((name) => operations[name].path.includes(':name'));
  const posts = operationNames.filter((name) => operations[name].method === 'POST');

  describe.each(withBodies)('%s: the body', (name) => {
    test('is cut off anywhere', async () => {
      const text = JSON.stringify(bodyOf(name));
      await fc.assert(
        fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
          expectRefusal(await ask(withBody(name, text.slice(0, length))), 400, 'invalid_payload');
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
      for (const body of bodies) expectRefusal(await ask(withBody(name, body)), 400, 'invalid_payload');
    });

    test('is any text', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (text) => {
          expectRefusal(await ask(withBody(name, text)), 400, 'invalid_payload');
        }),
        { numRuns: 15 },
      );
    });

    test('is JSON, but no object', async () => {
      for (const body of ['null', 'true', '1', '"x"', '[]', '[{}]']) expectRefusal(await ask(withBody(name, body)), 400, 'invalid_payload');
      expectRefusal(await ask({ ...request(name), body: '' }), 400, 'invalid_payload');
    });

    test('is not UTF-8, or has a byte order mark', async () => {
      const text = JSON.stringify(bodyOf(name));
      const bytes = Buffer.from(text);
      const bodies = [
        Buffer.concat([bytes.subarray(0, 5), Buffer.from([0xff]), bytes.subarray(5)]),
        Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xed, 0xa0, 0x80]), bytes.subarray(2)]),
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
        Buffer.from(text, 'utf16le'),
        Buffer.from([0xc0, 0xaf]),
      ];
      for (const body of bodies) expectRefusal(await ask(withBody(name, body)), 400, 'invalid_payload');
    });

    test('nests too deep', async () => {
      for (const depth of [64, 100_000]) {
        const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
        const text = JSON.stringify({ ...bodyOf(name), deep: 0 }).replace('"deep":0', `"deep":${deep}`);
        expectRefusal(await ask(withBody(name, text)), 400, 'invalid_payload');
        expectRefusal(await ask(withBody(name, '{"a":'.repeat(depth))), 400, 'invalid_payload');
      }
    });

    test('has a foreign media type', async () => {
      const text = JSON.stringify(bodyOf(name));
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
      for (const type of types) expectRefusal(await ask(withBody(name, text, { 'content-type': type })), 400, 'invalid_request');
    });

    test('names what it needs only on a prototype', async () => {
      const text = JSON.stringify(bodyOf(name));
      for (const key of ['__proto__', 'constructor', 'prototype']) {
        expectRefusal(await ask(withBody(name, `{"${key}":${text}}`)), 400, 'invalid_request');
        expectRefusal(await ask(withBody(name, `{"constructor":{"prototype":${text}}}`)), 400, 'invalid_request');
      }
    });

    test('has fields of wrong types, and values out of range', async () => {
      for (const { path, value } of wrongValues(name)) {
        const body = JSON.stringify(placed(bodyOf(name) ?? {}, path, '@')).replace('"@"', value);
        const response = await ask(withBody(name, body));
        const status = path.includes('retry') ? 422 : 400;
        expect(response.status, `${path.join('.')} = ${value.slice(0, 80)}: ${response.text}`).toBe(status);
        expectRefusal(response, status, status === 422 ? 'validation_error' : 'invalid_request');
      }
    });

    test('has a member twice: the last counts', async () => {
      const [first] = Object.keys(bodyOf(name) ?? {}).filter((key) => key !== 'id');
      const text = JSON.stringify(bodyOf(name));
      expectRefusal(await ask(withBody(name, `${text.slice(0, -1)},"${first}":{"no":1e400}}`)), 400, 'invalid_request');
    });

    test('is larger than 32 MiB', async () => {
      const headers = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${33 * 1_048_576}\r\nConnection: close`;
      const bytes = `POST ${operations[name].path} HTTP/1.1\r\n${headers}\r\n\r\n{"a":"`;
      expectRefusal(parseResponse(await raw(server.url, bytes)), 413, 'envelope_too_large');
    });

    test('is not as long as Content-Length says', async () => {
      const text = JSON.stringify(bodyOf(name));
      const head = (length: number | string) =>
        `POST ${operations[name].path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
      expectRefusal(parseResponse(await raw(server.url, `${head(text.length - 1)}${text}`)), 400);
      for (const length of ['-1', '1e3', '0x10', '99999999999999999999999', `${text.length}\r\nContent-Length: 1`]) {
        expectRefusal(parseResponse(await raw(server.url, `${head(length)}${text}`)), 400, 'invalid_request');
      }
    });
  });

  describe.each(withIds)('%s: the id', (name) => {
    const wrong = [
      '%20',
      'x',
      '00000000-0000-4000-8000-000000000000',
      '..%2f..%2fetc%2fpasswd',
      '%00',
      '%2f',
      'a%2fb',
      '%22%27--',
      '%f0%9f%92%a9',
      '*',
      '__proto__',
      'constructor',
      'a'.repeat(2_000),
      `${'a'.repeat(5_000)}`,
    ];

    test('has a wrong form, or belongs to nobody', async () => {
      const known = paramsOf(name).id ?? '';
      for (const id of [...wrong, known.toUpperCase(), ` ${known}`, `${known}%00`, `${known}0`, newId()]) {
        const response = await ask({ ...request(name), path: operations[name].path.replace(':id', id.replaceAll(' ', '%20')) });
        expectRefusal(response, 404, 'not_found');
      }
    });

    test('is no valid part of a URL', async () => {
      for (const id of ['%', '%zz', '%e0%a4%a', '%ff', '%c0%af', '%ed%a0%80']) {
        expectRefusal(await ask({ ...request(name), path: operations[name].path.replace(':id', id) }), 400, 'invalid_request');
      }
    });

    test('is empty, or a path of its own', async () => {
      for (const id of ['', '.', '..', '/', '../jobs', 'a/b']) {
        expect((await ask({ ...request(name), path: operations[name].path.replace(':id', id) })).status).toBeOneOf([400, 404]);
      }
    });
  });

  test.each(withNames)('%s: the name of the queue is wrong', async (name) => {
    for (const queue of ['UPPER', '-a', '.a', 'a_b', 'a%20b', '%00', 'a%2fb', '%C3%A9', '__proto__', 'a'.repeat(129), 'a%0a']) {
      expectRefusal(await ask({ ...request(name), path: operations[name].path.replace(':name', queue) }), 400, 'invalid_request');
    }
  });

  describe.each(operationNames)('%s: the request', (name) => {
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
    test('comes from a page of another origin', async () => {
      for (const origin of origins) expectRefusal(await ask({ ...request(name), headers: { origin } }), 403, 'permission_denied');
      expectRefusal(await ask({ ...request(name), headers: { 'sec-fetch-site': 'cross-site' } }), 403, 'permission_denied');
      if (operations[name].method !== 'GET') {
        expectRefusal(await ask({ ...request(name), headers: { 'sec-fetch-site': 'same-site' } }), 403, 'permission_denied');
      }
    });

    test('is addressed to another host', async () => {
      const { port } = new URL(server.url);
      const hosts = [
        'evil.test',
        `evil.test:${port}`,
        '127.0.0.1.evil.test',
        'localhost.evil.test',
        'localhost.',
        'x@127.0.0.1',
        '127.0.0.1:80:80',
        '2130706433',
        '::1',
        '[::1',
        'localhost/',
      ];
      for (const host of hosts) {
        const response = await ask({ ...request(name), headers: { host } });
        expectRefusal(response, 403, 'permission_denied');
        // A page behind a rebound name is of the same origin to its browser.
        expectRefusal(await ask({ ...request(name), headers: { host, origin: `http://${host}` } }), 403, 'permission_denied');
      }
      for (const version of ['1.0', '1.1']) {
        const { method, path } = request(name);
        expectRefusal(parseResponse(await raw(server.url, `${method} ${path} HTTP/${version}\r\nConnection: close\r\n\r\n`)), 403);
      }
    });

    test('asks for another version, or has the wrong method', async () => {
      for (const version of ['2.0', '0.9', '10', '', 'x']) {
        expectRefusal(await ask({ ...request(name), headers: { 'ojs-version': version } }), 422, 'unsupported');
      }
      for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE']) {
        expectRefusal(await ask({ ...request(name), method }), 404, 'not_found');
      }
    });

    test('has headers that are too large, or an expectation that nobody can meet', async () => {
      const { method, path } = request(name);
      const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n`;
      expectRefusal(parseResponse(await raw(server.url, `${head}X-Big: ${'a'.repeat(20_000)}\r\n\r\n`)), 431, 'invalid_request');
      expectRefusal(parseResponse(await raw(server.url, `${head}Expect: tea\r\nContent-Length: 2\r\n\r\n{}`)), 417, 'invalid_request');
    });
  });

  test.each(posts)('%s: a body is refused by its media type even where none is read', async (name) => {
    const response = await ask({ ...request(name), body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expectRefusal(response, 400, 'invalid_request');
  });

  test('queries with nonsense', async () => {
    const paths = [
      '/dead-letter?limit=0',
      '/dead-letter?limit=-1',
      '/dead-letter?limit=1e3',
      '/dead-letter?limit=x',
      '/dead-letter?offset=-1',
      '/dead-letter?page=0',
      '/dead-letter?cursor=x',
      '/dead-letter?cursor=%00',
      '/queues?limit=x',
      '/queues?cursor=A',
      '/queues?page=1.5',
      '/events?limit=0',
      '/events?after=x',
      '/events?after=-1',
      '/events?after=1e400',
      '/events?after=1.5',
      '/events?after=0x10',
      '/events?after=%20',
      '/events?after=99999999999999999999',
    ];
    for (const path of paths) {
      const response = await ask({ path: `/ojs/v1${path}` });
      expect(response.status, path).toBe(400);
      expectRefusal(response, 400, 'invalid_request');
    }
    expect((await ask({ path: '/ojs/v1/events?__proto__=1&constructor=2&after=&types=*&%00=%00' })).status).toBe(200);
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
    for (const bytes of garbage) expectRefusal(parseResponse(await raw(server.url, bytes)), 400, 'invalid_request');
    expect(await raw(server.url, 'CONNECT evil.test:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
  });

  test('any bytes', async () => {
    // Line breaks before a request mean nothing (RFC 9112 §2.2): of them alone none ever arrives, which is the header timeout's case (limits.test.ts).
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).filter((all) => all.some((byte) => byte !== 0x0a && byte !== 0x0d));
    await fc.assert(
      fc.asyncProperty(bytes, async (all) => {
        const text = await raw(server.url, Buffer.concat([all, Buffer.from('\r\n\r\n\r\n\r\n')]));
        if (text !== '') expectRefusal(parseResponse(text), 400, 'invalid_request');
      }),
      { numRuns: 50, examples: [[new Uint8Array([0])], [new Uint8Array([0xff, 0xfe])]] },
    );
  });
});

function isBodied(name: OperationName): boolean {
  return /^(job\.enqueue|job\.enqueueBatch|worker\..*)$/.test(name);
}

type Path = readonly (string | number)[];
type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object';

/** A value of each kind of JSON; null counts as absent (ojs-json-format §14.2). */
const samples: Readonly<Record<Kind, string>> = { string: '"=?"', number: '-1.5', boolean: 'true', array: '[[]]', object: '{"a":1}' };

/** The kinds that each field takes; every other one is refused. */
const jobKinds: readonly (readonly [Path, ...Kind[]])[] = [
  [['id'], 'string'],
  [['type'], 'string'],
  [['args'], 'array'],
  [['meta'], 'object'],
  [['options'], 'object'],
  [['specversion'], 'string'],
  [['schema'], 'string'],
  ...(['queue', 'delay_until', 'scheduled_at', 'expires_at'] as const).map((name) => [['options', name], 'string'] as const),
  ...(['timeout_ms', 'timeout', 'visibility_timeout_ms', 'total_timeout', 'enqueue_ttl', 'grace_period', 'heartbeat_timeout'] as const).map(
    (name) => [['options', name], 'number'] as const,
  ),
  [['options', 'priority'], 'number', 'string'],
  [['options', 'pending'], 'boolean'],
  [['options', 'tags'], 'array'],
  [['options', 'metadata'], 'object'],
  [['options', 'unique'], 'object'],
  [['options', 'rate_limit'], 'object'],
  [['options', 'retry'], 'object'],
  [['options', 'retry', 'max_attempts'], 'number'],
  [['options', 'retry', 'initial_interval'], 'string'],
  [['options', 'retry', 'max_interval'], 'string'],
  [['options', 'retry', 'backoff_coefficient'], 'number'],
  [['options', 'retry', 'jitter'], 'boolean'],
  [['options', 'retry', 'non_retryable_errors'], 'array'],
  [['options', 'retry', 'on_exhaustion'], 'string'],
];
const fetchKinds: readonly (readonly [Path, ...Kind[]])[] = [
  [['queues'], 'array'],
  [['count'], 'number'],
  [['visibility_timeout_ms'], 'number'],
  [['request_id'], 'string'],
  [['wait_ms'], 'number'],
];
const beatKinds: readonly (readonly [Path, ...Kind[]])[] = [
  [['active_jobs'], 'array', 'number'],
  [['active_job_ids'], 'array'],
  [['job_id'], 'string'],
  [['state'], 'string'],
  [['leases'], 'object'],
  [['visibility_timeout_ms'], 'number'],
];
const ackKinds: readonly (readonly [Path, ...Kind[]])[] = [
  [['job_id'], 'string'],
  [['worker_id'], 'string'],
  [['x_lease'], 'string'],
];
const nackKinds: readonly (readonly [Path, ...Kind[]])[] = [
  ...ackKinds,
  [['error'], 'object'],
  [['requeue'], 'boolean'],
  [['delay_ms'], 'number'],
  ...(['code', 'type', 'message', 'response_code'] as const).map((name) => [['error', name], 'string'] as const),
  [['error', 'retryable'], 'boolean'],
  [['error', 'backtrace'], 'array', 'string'],
];

/** Of the right kind, but out of what is allowed; as JSON text, so that 1e400 and lone surrogates can be said. */
const long = (length: number) => JSON.stringify('a'.repeat(length));
const names = ['""', '"\\ud800"', '"a\\udc00"', '"\\u0085"', '"a\\u0000b"', long(256)];
const numbers = ['1.5', '1e400', '-1e400', '9007199254740993e9'];
const ids = [
  '""',
  '"x"',
  '"00000000-0000-4000-8000-000000000000"',
  '"01A20E53-BFB0-7264-AC55-B3048B58851A"',
  '"01a20e53-bfb0-7264-ac55-b3048b58851a "',
  long(2_000),
];
const jobValues: readonly (readonly [Path, readonly string[]])[] = [
  [['id'], ids],
  [['type'], ['""', '"A.b"', '"a..b"', '"a.b\\n"', '"\\ud800"', '"é"', '"__proto__"', long(256)]],
  [['specversion'], ['"2.0"', '""']],
  [
    ['options', 'queue'],
    ['""', '"A"', '"a_b"', '"a\\n"', '"../a"', '"\\ud800"', '"\\u0000"', long(129)],
  ],
  [
    ['options', 'priority'],
    [...numbers, '101', '-101', '"high"', '"10"'],
  ],
  ...(['timeout_ms', 'visibility_timeout_ms', 'total_timeout', 'enqueue_ttl', 'grace_period'] as const).map(
    (name) =>
      [
        ['options', name],
        [...numbers, '-1'],
      ] as const,
  ),
  ...(['delay_until', 'expires_at'] as const).map(
    (name) =>
      [
        ['options', name],
        ['""', '"tomorrow"', '"2026-01-01T00:00:00"', '"2026-13-01T00:00:00Z"', '"2026-01-01"', '"+PT"', '"+1s"', '"+P99999999Y"'],
      ] as const,
  ),
  [
    ['options', 'visibility_timeout'],
    ['"1s"', '"PT"', '0'],
  ],
  [
    ['options', 'tags'],
    ['[1]', '[null]'],
  ],
  [
    ['options', 'retry', 'max_attempts'],
    [...numbers, '-1'],
  ],
  [
    ['options', 'retry', 'initial_interval'],
    ['"1s"', '"PT"', '"P1"', '"PT0S"'],
  ],
  [
    ['options', 'retry', 'backoff_coefficient'],
    ['0.5', '-1', '1e400'],
  ],
  [
    ['options', 'retry', 'on_exhaustion'],
    ['"explode"', '"__proto__"', '""'],
  ],
];
const fetchValues: readonly (readonly [Path, readonly string[]])[] = [
  [
    ['queues'],
    [
      '[]',
      '[1]',
      '["A"]',
      '[""]',
      '["a\\u0000"]',
      '["\\ud800"]',
      '["__proto__"]',
      `[${long(129)}]`,
      JSON.stringify(Array.from({ length: 101 }, () => 'a')),
    ],
  ],
  [['count'], [...numbers.slice(0, 3), '0', '-1']],
  [['wait_ms'], [...numbers.slice(0, 3), '-1']],
  [['visibility_timeout_ms'], [...numbers, '0', '86400001']],
  [['request_id'], [...names, long(129)]],
];
const beatValues: readonly (readonly [Path, readonly string[]])[] = [
  [['active_jobs'], ['[1]', '[null]', '[{}]']],
  [['active_job_ids'], ['[1]']],
  [['state'], ['""', '"dead"', '"__proto__"']],
  [['visibility_timeout_ms'], [...numbers, '0']],
  [['leases'], ['{"a":1}', '{"a":null}']],
];
const ackValues: readonly (readonly [Path, readonly string[]])[] = [
  [['job_id'], ['""', '"\\ud800"', long(256)]],
  [['worker_id'], names],
  [['x_lease'], ['""', '"c0"', '"C1"', '"c1 "', '"x"', '"\\u0000"', '"c99999999999"', long(65)]],
];
const nackValues: readonly (readonly [Path, readonly string[]])[] = [
  ...ackValues,
  [['delay_ms'], [...numbers, '-1']],
  [
    ['error', 'response_code'],
    ['"MAYBE"', '"retry"'],
  ],
  [['error'], ['{}', '{"code":"x"}']],
];

interface WrongValue {
  readonly path: Path;
  /** JSON text */
  readonly value: string;
}

function wrong(
  at: Path,
  kinds: readonly (readonly [Path, ...Kind[]])[],
  values: readonly (readonly [Path, readonly string[]])[],
): readonly WrongValue[] {
  const all = Object.keys(samples) as readonly Kind[];
  return [
    ...kinds.flatMap(([path, ...right]) =>
      all.filter((kind) => !right.includes(kind)).map((kind) => ({ path: [...at, ...path], value: samples[kind] })),
    ),
    ...values.flatMap(([path, texts]) => texts.map((value) => ({ path: [...at, ...path], value }))),
  ];
}

function wrongValues(name: OperationName): readonly WrongValue[] {
  const worker = wrong([], [[['worker_id'], 'string']], [[['worker_id'], names]]);
  const needed = (...paths: readonly string[]) => paths.map((path) => ({ path: [path], value: 'null' }));
  switch (name) {
    case 'job.enqueue':
      return [...wrong([], jobKinds, jobValues), ...needed('type', 'args')];
    case 'job.enqueueBatch':
      return [...wrong(['jobs', 1], jobKinds, jobValues), ...wrong([], [[['jobs'], 'array']], [[['jobs'], ['[]']]]), ...needed('jobs')];
    case 'worker.fetch':
      return [...worker, ...wrong([], fetchKinds, fetchValues), ...needed('queues')];
    case 'worker.ack':
      return [...wrong([], ackKinds, ackValues), ...needed('job_id')];
    case 'worker.nack':
      return [...wrong([], nackKinds, nackValues), ...needed('job_id', 'error')];
    case 'worker.heartbeat':
      return [...worker, ...wrong([], beatKinds, beatValues), ...needed('worker_id')];
    case 'worker.exchange':
      return [
        ...worker,
        ...needed('worker_id'),
        ...wrong(
          [],
          [
            [['acks'], 'array'],
            [['nacks'], 'array'],
            [['beat'], 'object'],
            [['fetch'], 'object'],
          ],
          [
            [['acks'], ['[1]', '[null]', '[[]]']],
            [['nacks'], ['["x"]']],
          ],
        ),
        ...wrong(['fetch'], fetchKinds, fetchValues),
        ...wrong(['beat'], beatKinds, beatValues),
      ];
    default:
      throw new Error(`${name} takes no body`);
  }
}

/** A copy of the value with another one at the path; objects on the way are made where they are missing. */
function placed(value: unknown, path: Path, put: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return put;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? placed(item, rest, put) : item));
  const object: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  return { ...object, [key]: placed(object[key], rest, put) };
}
