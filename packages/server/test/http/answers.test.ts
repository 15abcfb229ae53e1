import { type OperationName, operationNames, pathOf, routeOf } from '@ojs-ts/core/operations';
import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, parseResponse, raw, send } from '../support/request.ts';
import { serveAll } from '../support/server.ts';

/** What every answer has, whatever was asked. */
describe('answers', () => {
  const server = serveAll({ allowedHosts: ['ojs.example.com'], allowedOrigins: ['https://admin.example.com'] });

  const job = () => ({ id: newId(), type: 'a.b', args: [] });

  const mediaTypes: Partial<Record<OperationName, string>> = {
    'system.metrics': 'text/plain; version=0.0.4; charset=utf-8',
    'system.openapi': 'application/json',
  };
  test.each(operationNames)('%s has the headers, and exactly those', async (name) => {
    const { method } = routeOf(name);
    const request = { method, path: pathOf(name, { id: newId(), name: 'q', key: 'k', version: '1' }) };
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{}' };
    const { headers } = await send(server.url, { ...request, ...body, headers: { 'x-request-id': 'mine-1' } });
    expect(Object.keys(headers).toSorted()).toEqual(
      [
        ...['connection', 'content-length', 'content-type', 'date', 'ojs-version', 'vary', 'x-request-id'],
        ...(name === 'system.openapi' ? ['cache-control', 'etag'] : []),
      ].toSorted(),
    );
    expect(headers).toMatchObject({
      'content-type': mediaTypes[name] ?? 'application/openjobspec+json',
      'ojs-version': '1.0',
      'x-request-id': 'mine-1',
    });
  });

  test('201 has a Location that can be read', async () => {
    const { headers, status, text } = await send(server.url, {
      method: 'POST',
      path: '/ojs/v1/jobs',
      body: JSON.stringify(job()),
    });
    expect(status).toBe(201);
    const read = await send(server.url, { path: String(headers.location) });
    expect([read.status, read.text]).toEqual([200, text]);
  });

  test('404 of an unknown path and of an unknown job', async () => {
    for (const path of [
      ...'/ /ojs /ojs/v1 /ojs/v1/jobs/ /ojs/v1/job'.split(' '),
      `/ojs/v1/jobs/${newId()}`,
      '/ojs/v1/admin/reset',
      '//ojs/manifest',
    ]) {
      expectRefusal(await send(server.url, { path }), 404, 'not_found');
    }
  });

  test('a harmless request id is echoed, any other replaced', async () => {
    const longest = 'a'.repeat(128);
    for (const id of ['a', longest, 'ümlaut', `${longest}a`, 'a b', '']) {
      const { headers } = await send(server.url, { path: '/ojs/manifest', headers: { 'x-request-id': id } });
      const made = /^req_[0-9a-f-]{36}$/.test(String(headers['x-request-id']));
      expect(made ? 'made' : headers['x-request-id']).toBe(/^a+$/.test(id) && id.length <= 128 ? id : 'made');
    }
  });

  test('more than one Host is 400, whatever the hosts are (RFC 9112 §3.2)', async () => {
    for (const second of ['127.0.0.1', 'evil.test', '']) {
      const head = `GET /ojs/manifest HTTP/1.1\r\nHost: 127.0.0.1\r\nhOST: ${second}\r\nConnection: close\r\n\r\n`;
      expectRefusal(parseResponse(await raw(server.url, head)), 400, 'invalid_request');
    }
  });

  test('any version 1 is this version, another is 422', async () => {
    for (const version of ['1', '1.0', '1.0.0-rc.1', '1.7']) {
      expect((await send(server.url, { path: '/ojs/manifest', headers: { 'ojs-version': version } })).status).toBe(200);
    }
    const refused = await send(server.url, { path: '/ojs/manifest', headers: { 'ojs-version': '2.0' } });
    expectRefusal(refused, 422, 'unsupported');
    expect(JSON.parse(refused.text)).toMatchObject({ error: { details: { supported_versions: ['1.0'] } } });
  });

  test('both media types, in any case, with parameters, and none at all are JSON', async () => {
    const types = [
      'application/json',
      'application/openjobspec+json',
      'Application/JSON; charset=UTF-8',
      'application/json;charset=utf-8',
    ];
    for (const type of types) {
      const response = await send(server.url, {
        method: 'POST',
        path: '/ojs/v1/jobs',
        body: JSON.stringify(job()),
        headers: { 'content-type': type },
      });
      expect(response.status, type).toBe(201);
    }
    const untyped = await fetch(`${server.url}/ojs/v1/jobs`, {
      method: 'POST',
      body: Buffer.from(JSON.stringify(job())),
    });
    expect(untyped.status).toBe(201);
  });

  test('actions accept no body, an empty one, or any JSON', async () => {
    const path = '/ojs/v1/queues/q/pause';
    for (const request of [{}, { body: '' }, { body: '{}' }, { body: '[1]' }]) {
      expect((await send(server.url, { method: 'POST', path, ...request })).status).toBe(200);
    }
  });

  test('GET of a job returns what was sent, byte for byte', async () => {
    const { id } = job();
    const args = '[1.0e3,123456789012345678901234567890,"\\u00e9\\ud800",{"b":1,"a":{"__proto__":2}}]';
    const body = `{"id":"${id}","type":"a.b","args":${args},"x-mine":[1.50]}`;
    expect((await send(server.url, { method: 'POST', path: '/ojs/v1/jobs', body })).status).toBe(201);
    const { text } = await send(server.url, { path: `/ojs/v1/jobs/${id}` });
    expect(text).toContain(`"args":${args}`);
    expect(text).toContain('"x-mine":[1.50]');
  });

  test('its own names, any IP address, and its own pages pass', async () => {
    const { port } = new URL(server.url);
    const hosts = [
      'localhost',
      `LOCALHOST:${port}`,
      ...'10.1.2.3:1 [::1] [::1]:8080 ojs.example.com OJS.example.com:8443'.split(' '),
    ];
    for (const host of hosts) {
      const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      expect((await send(server.url, { path: '/ojs/manifest', headers })).status, host).toBe(200);
    }
  });

  test('an allowed origin may send JSON and read answers; another gets no such headers', async () => {
    const origin = 'https://admin.example.com';
    const headers = { origin, 'sec-fetch-site': 'cross-site' };
    const preflight = await send(server.url, {
      method: 'OPTIONS',
      path: '/ojs/v1/jobs',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect(preflight).toMatchObject({
      status: 204,
      text: '',
      headers: { 'access-control-allow-origin': origin, vary: 'Origin' },
    });
    expect(preflight.headers['access-control-allow-headers']).toMatch(/content-type/i);
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    const created = await send(server.url, {
      method: 'POST',
      path: '/ojs/v1/jobs',
      body: JSON.stringify(job()),
      headers,
    });
    expect(created).toMatchObject({ status: 201, headers: { 'access-control-allow-origin': origin } });
    const foreign = await send(server.url, { path: '/ojs/manifest', headers: { origin: 'https://evil.example.com' } });
    expectRefusal(foreign, 403, 'permission_denied');
    expect(foreign.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('pages of queues follow each other by their cursor', async () => {
    const names = ['p1', 'p2', 'p3', 'p4', 'p5'];
    for (const name of names) await call(server.url, `/queues/${name}/resume`, {});
    const seen: string[] = [];
    let query = '?limit=2';
    for (let pages = 0; pages < 9; pages++) {
      const { body } = await call<{
        queues: { name: string }[];
        pagination: { has_more: boolean; next_cursor?: string };
      }>(server.url, `/queues${query}`);
      expect(body.queues.length).toBeLessThanOrEqual(2);
      seen.push(...body.queues.map(({ name }) => name));
      if (!body.pagination.has_more) break;
      query = `?limit=2&cursor=${body.pagination.next_cursor}`;
    }
    expect(seen).toEqual([...new Set(seen)]);
    expect(seen).toEqual(expect.arrayContaining(names));
  });
});
