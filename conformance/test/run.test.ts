import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { check } from '../src/assertions.ts';
import { type Report, runSuites, summaryOf, tableOf } from '../src/index.ts';
import type { JsonObject } from '../src/json.ts';
import { Scope } from '../src/template.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let server: Server;
let url: string;
let folder: string;
let seen: {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}[] = [];

/**
 * Answers by path: `/echo` the request, `/status/N` that status, `/slow` after 60 ms, `/text` text that is not JSON.
 */
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const path = request.url ?? '';
      seen.push({ method: request.method ?? '', path, headers: request.headers, body });
      const status = Number(/^\/status\/(\d+)/.exec(path)?.[1] ?? 200);
      const answer = () =>
        response
          .writeHead(status, { 'Content-Type': 'application/test+json', 'X-Two': ['a', 'b'] })
          .end(path === '/text' ? 'plain text' : path === '/echo' ? body : '{"path":"x","list":[{"id":"j1"}]}');
      if (path === '/slow') setTimeout(answer, 60);
      else answer();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'cases-'));
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  await rm(folder, { recursive: true });
  folder = await mkdtemp(join(tmpdir(), 'cases-'));
  seen = [];
});

async function write(name: string, steps: readonly object[], more: object = {}): Promise<void> {
  const found = {
    test_id: name,
    level: 0,
    category: 'c',
    name,
    description: 'd',
    spec_ref: 'r',
    tags: [],
    steps,
    ...more,
  };
  await writeFile(join(folder, `${name}.json`), JSON.stringify(found));
}

async function failuresOf(assertions: object, step: object = {}): Promise<readonly string[]> {
  await write('one', [
    { id: 's', action: 'POST', path: '/echo', body: { job: { id: 'a', n: 5 } }, ...step, assertions },
  ]);
  const report = await run();
  return (report.cases[0]?.failures ?? []).filter(({ what }) => what !== 'answer').map(({ what }) => what);
}

function run(more: object = {}): Promise<Report> {
  return runSuites({ url, folders: [folder], reset: false, ...more });
}

test('status as a number, a text, an object, or one of a list', async () => {
  for (const status of [200, 'number:range(200,299)', 'one_of:201,200', { $in: [409, 200] }])
    expect(await failuresOf({ status })).toEqual([]);
  for (const status of [201, 'number:range(400,422)', 'one_of:201,409', { $in: [409] }])
    expect(await failuresOf({ status })).toEqual(['status']);
  expect(await failuresOf({ status_in: [200, 201] })).toEqual([]);
  expect(await failuresOf({ status_in: [201] })).toEqual(['status']);
});

test('bodies: each path, $or, absence, raw text, contained text', async () => {
  expect(await failuresOf({ body: { '$.job.id': 'a', '$.job.n': 5, '$.job.x': 'absent' } })).toEqual([]);
  expect(await failuresOf({ body: { '$.job.id': 'b', '$.job.n': 5, '$.job.x': 'any' } })).toEqual([
    'body $.job.id',
    'body $.job.x',
  ]);
  expect(await failuresOf({ body: { $or: [{ '$.job.id': 'z' }, { '$.job.id': 'a', '$.job.n': 5 }] } })).toEqual([]);
  expect(await failuresOf({ body: { $or: [{ '$.job.id': 'z' }, { '$.job.id': 'a', '$.job.n': 6 }] } })).toEqual([
    'body $or',
  ]);
  expect(
    await failuresOf({ body_absent: ['$.job.x'], body_contains: ['"n":5'], body_raw: '{"job":{"id":"a","n":5}}' }),
  ).toEqual([]);
  expect(await failuresOf({ body_absent: ['$.job.n'], body_contains: ['"n": 5'], body_raw: '{}' })).toEqual([
    'body $.job.n',
    'raw body',
    'raw body',
  ]);
  expect(await failuresOf({ body: { $: { $empty: true } } }, { path: '/text' })).toEqual([]);
});

test('headers: exact where a string, a matcher where an object', async () => {
  expect(
    await failuresOf({
      headers: { 'content-TYPE': 'application/test+json', 'X-Two': 'a, b', 'X-None': { $exists: false } },
    }),
  ).toEqual([]);
  expect(await failuresOf({ headers: { 'Content-Type': 'application/test', 'X-Two': { $match: 'c' } } })).toEqual([
    'header Content-Type',
    'header X-Two',
  ]);
});

test('timing bounds', async () => {
  expect(await failuresOf({ timing_ms: { greater_than: 50 } }, { path: '/slow' })).toEqual([]);
  // No test of its own time: how long an answer takes depends on the machine.
  const late = (timing_ms: JsonObject) =>
    check({ timing_ms }, { status: 200, headers: {}, text: '{}', body: {}, elapsedMs: 90 }, new Scope('u')).map(
      ({ what }) => what,
    );
  expect(late({ greater_than: 50, less_than: 100, approximate: 100 })).toEqual([]);
  expect(late({ less_than: 90 })).toEqual(['time in ms', 'answer']);
  expect(late({ greater_than: 90, approximate: 9_000 })).toEqual(['time in ms', 'time in ms', 'answer']);
});

test('the request: method, templates, raw body, headers, token', async () => {
  await write('sent', [
    { id: 'a', action: 'PATCH', path: '/echo', body: { x: { y: 'v' } }, captures: { name: '$.x.y' } },
    {
      id: 'b',
      action: 'POST',
      path: '/{{name}}/{{steps.a.response.body.x.y}}',
      raw_body: '{ broken {{name}} }',
      headers: { 'Content-Type': null, 'X-Own': '{{name}}' },
    },
    { id: 'c', action: 'DELETE', path: '/none' },
  ]);
  expect(summaryOf(await run({ token: 'secret' }))).toBe('1 passed, 0 failed');
  const [, patch, post, remove] = seen;
  expect(patch).toMatchObject({
    method: 'PATCH',
    path: '/echo',
    body: '{"x":{"y":"v"}}',
    headers: { 'content-type': 'application/openjobspec+json', authorization: 'Bearer secret' },
  });
  expect(post).toMatchObject({ method: 'POST', path: '/v/v', body: '{ broken v }', headers: { 'x-own': 'v' } });
  expect(post?.headers['content-type']).toBeUndefined();
  expect(remove).toMatchObject({ method: 'DELETE', body: '' });
  expect(remove?.headers['content-type']).toBeUndefined();
});

test('ASSERT: equality and exclusive_claim over earlier answers', async () => {
  const get = (id: string, path = '/list') => ({ id, action: 'GET', path });
  const claim = (fetches: readonly string[]) => ({
    id: 'z',
    action: 'ASSERT',
    assertions: { exclusive_claim: { job_id: 'j1', fetches, exactly_one_has_job: true } },
  });
  const equality = (right: string) => ({
    id: 'z',
    action: 'ASSERT',
    assertions: { equality: { '$.steps.a.response.body': right } },
  });
  const echo = { id: 'c', action: 'POST', path: '/echo', body: { list: [] } };
  const outcomes: readonly (readonly [string, readonly object[], boolean])[] = [
    ['same', [get('a'), get('b'), equality('{{steps.b.response.body}}')], true],
    ['other', [get('a'), echo, equality('{{steps.c.response.body}}')], false],
    ['unresolved', [get('a'), equality('{{steps.x.response.body}}')], false],
    ['one', [get('a'), echo, claim(['{{steps.a.response.body.list}}', '{{steps.c.response.body.list}}'])], true],
    ['both', [get('a'), get('b'), claim(['{{steps.a.response.body.list}}', '{{steps.b.response.body.list}}'])], false],
    ['nobody', [echo, claim(['{{steps.c.response.body.list}}'])], false],
  ];
  for (const [name, steps] of outcomes) await write(name, steps);
  const passed = new Map((await run()).cases.map(({ name, failures }) => [name, failures.length === 0]));
  for (const [name, , expected] of outcomes) expect(passed.get(name), name).toBe(expected);
});

test('setup runs first; a failed step ends the steps; the teardown still runs', async () => {
  const step = (id: string, status?: number) => ({
    id,
    action: 'GET',
    path: `/${id}`,
    ...(status === undefined ? {} : { assertions: { status } }),
  });
  await write('order', [step('two', 404), step('three')], {
    setup: { steps: [step('one')] },
    teardown: [step('four')],
  });
  const report = await run();
  expect(seen.map(({ path }) => path)).toEqual(['/ojs/v1/health', '/one', '/two', '/four']);
  expect(report.cases[0]?.failures[0]).toMatchObject({ step: 'two', what: 'status', expected: '404', actual: '200' });
});

test('a broken file is a failed case; level and filter choose exactly', async () => {
  await write('zero', [{ id: 'a', action: 'GET', path: '/' }]);
  await write('one', [{ id: 'a', action: 'GET', path: '/' }], { level: 1, tags: ['special'] });
  await writeFile(join(folder, 'broken.json'), '{"test_id": 5}');
  const report = await run();
  expect(summaryOf(report)).toBe('2 passed, 1 failed');
  expect(tableOf(report)).toMatch(/FAIL.*broken\.json\n {6}case file\n {8}expected a case of the format/);
  expect((await run({ level: 1, filter: 'special' })).cases.map(({ id }) => id)).toEqual(['one']);
  expect(report.cases.map(({ id }) => id)).toEqual(['', 'one', 'zero']);
});

test('the runner resets the server before each case, and once before cases that run in parallel', async () => {
  await write('a', [{ id: 'a', action: 'GET', path: '/a' }]);
  await write('b', [{ id: 'a', action: 'GET', path: '/{{unique}}' }]);
  await write('c', [{ id: 'a', action: 'GET', path: '/{{unique}}' }]);
  await run({ reset: true });
  expect(seen.filter(({ path }) => path === '/ojs/v1/admin/reset')).toHaveLength(3);
  seen = [];
  expect(summaryOf(await run({ reset: true, parallel: 4 }))).toBe('3 passed, 0 failed');
  expect(seen.filter(({ path }) => path === '/ojs/v1/admin/reset')).toHaveLength(2);
});

test('an address without a server is one clear error', async () => {
  await expect(runSuites({ url: 'http://127.0.0.1:1', folders: [folder], reset: false })).rejects.toThrow(
    'no server answers at http://127.0.0.1:1',
  );
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function command(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test('the command: exit codes, last line, JSON', async () => {
  await write('good', [{ id: 'a', action: 'GET', path: '/' }]);
  const good = await command('--url', url, '--suites', folder);
  expect(good).toMatchObject({ code: 0 });
  expect(good.out.trimEnd().split('\n').at(-1)).toBe('1 passed, 0 failed');
  await write('bad', [{ id: 'a', action: 'GET', path: '/', assertions: { status: 500 } }]);
  const bad = await command('--url', url, '--suites', folder);
  expect(bad.code).toBe(1);
  expect(bad.out).toMatch(/FAIL.*bad\.json\n {6}step a: status\n {8}expected 500\n {8}got {6}200\n/);
  expect(bad.out.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed');
  const json = await command('--url', url, '--suites', folder, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ passed: 1, failed: 1 });
  expect(json.err.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed');
});

test('wrong usage exits with 2 and a message', async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /--url takes a URL/],
    [['--url', 'nowhere'], /--url takes a URL/],
    [['--url', url, '--what'], /--what/],
    [['--url', url, '--suites', folder, '--level', 'x'], /--level takes a whole number/],
    [['--url', url, '--suites', folder, '--parallel', '0'], /--parallel takes a whole number from 1/],
    [['--url', url, '--suites', join(folder, 'gone')], /ENOENT/],
    [['--url', url, '--suites', folder, '--filter', 'nothing'], /no case file matches/],
  ];
  for (const [args, message] of wrong) {
    const ended = await command(...args);
    expect(ended.code, args.join(' ')).toBe(2);
    expect(ended.err).toMatch(message);
    expect(ended.err).toContain('usage:');
  }
});
