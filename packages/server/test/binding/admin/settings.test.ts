import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Setting, serverVariables } from '@ojs-ts/core/options';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import type { ServerOptions } from '../../../src/index.ts';
import { selfSigned } from '../../support/certificate.ts';
import { call, send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';

function settingsBy(options: ServerOptions, env: Readonly<Record<string, string>> = {}) {
  return readConfig(options, env).settings;
}

test('every variable of the server has its setting', () => {
  const shown = Object.values(settingsBy({})).map(({ variable }) => variable);
  expect(shown).toEqual(serverVariables);
});

test('each says where its value comes from', () => {
  const env = { OJS_PORT: '1234', OJS_HOST: '127.0.0.1', OJS_RETAIN_EVENTS: '1h', OJS_REQUEST_RATE: '' };
  expect(settingsBy({ port: 0, requestTimeoutMs: 5_000 }, env)).toMatchObject({
    port: { value: 0, origin: 'option', variable: 'OJS_PORT' },
    host: { value: '127.0.0.1', origin: 'environment', variable: 'OJS_HOST' },
    request_timeout: { value: 'PT5S', origin: 'option' },
    retain_events: { origin: 'environment' },
    request_rate: { value: null, origin: 'default' },
    failed_logins: { value: '10/PT1M', origin: 'default' },
    dead_after: { value: 'PT30S', origin: 'default' },
    paused_queues: { value: 'accept', origin: 'default' },
  });
  const service = settingsBy({}, { OJS_PORT: 'tcp://10.0.0.1:80' });
  expect(service.port).toMatchObject({ value: 8080, origin: 'default' });
});

test('a duration is shown as a variable reads it', () => {
  const shown = settingsBy({ requestTimeoutMs: 90_500 }, { OJS_FAILED_LOGINS: '3/90s' });
  expect([shown.request_timeout?.value, shown.failed_logins?.value]).toEqual(['PT1M30.5S', '3/PT1M30S']);
  expect(readConfig({}, { OJS_FAILED_LOGINS: '3/PT1M30S' }).failedLogins).toEqual({ limit: 3, perMs: 90_000 });
});

test('no secret is shown: tokens, the token file, a password of the storage, the key of TLS', () => {
  const { certFile, keyFile } = selfSigned();
  const key = readFileSync(keyFile, 'utf8');
  const canary = 'canary-7f3a';
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'ojs-settings-')), 'tokens');
  writeFileSync(tokenFile, `${canary}-file\n`, { mode: 0o600 });
  const storages = [
    `postgres://user:${canary}@db.example.com:5432/jobs?password=${canary}&sslkey=${canary}`,
    `redis://:${canary}@cache.example.com:6379/0?namespace=a`,
    `redis+sentinel://${canary}:${canary}@a:1,b:2/main?sentinelPassword=${canary}`,
    `postgres://user:${canary}?x@db.example.com/jobs`,
  ];
  for (const storage of storages) {
    const options = { storage, tokens: [`admin:${canary}-argument`], tokenFile, tls: { certFile, keyFile } };
    const text = JSON.stringify(settingsBy(options));
    expect(text).not.toContain(canary);
    expect(text).not.toContain(key.slice(40, 80));
  }
  const shown = settingsBy({ storage: storages[0] ?? '', tokens: [canary] });
  expect(shown).toMatchObject({
    storage: { value: 'postgres://db.example.com:5432/jobs' },
    token: { value: 1, origin: 'option' },
  });
});

test('GET /admin/system/config answers with them', async () => {
  await using server = await serve({ tokens: ['a-long-canary'], engine: { poisonAfter: 5 } });
  const headers = { authorization: 'Bearer a-long-canary' };
  for (const path of ['/admin/system/config', '/admin/config']) {
    const { status, body } = await call<{ settings: Readonly<Record<string, Setting>> }>(server.url, path, undefined, {
      headers,
    });
    expect([status, body]).toMatchObject([
      200,
      { backend: 'memory', engine: { poison_after: 5 }, settings: { poison_after: { value: 5, origin: 'option' } } },
    ]);
    // The same setting has one form, wherever it stands.
    expect(body).toMatchObject({
      engine: { visibility_timeout: 'PT30M', dead_after: 'PT30S' },
      settings: { visibility_timeout: { value: 'PT30M' }, dead_after: { value: 'PT30S' } },
    });
    expect((await send(server.url, { path: `/ojs/v1${path}`, headers })).text).not.toContain('canary');
  }
});
