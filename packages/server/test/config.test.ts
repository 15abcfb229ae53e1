import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig, type ServerOptions } from '../src/config.ts';
import { ConfigError } from '../src/index.ts';
import { selfSigned } from './support/certificate.ts';
import { serve } from './support/server.ts';

describe('readConfig', () => {
  test('has the defaults of docs/server.md', () => {
    expect(readConfig({}, {})).toMatchObject({
      storage: 'sqlite:./ojs.db',
      port: 8080,
      host: '127.0.0.1',
      tokens: [],
      allowedHosts: [],
      allowedOrigins: [],
      tls: null,
      testMode: false,
      log: 'info',
      maxConnections: 10_000,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      closeTimeoutMs: 10_000,
    });
  });

  test('takes the environment over defaults, and options over both', () => {
    const env = {
      OJS_STORAGE: 'memory:',
      OJS_PORT: '0',
      OJS_HOST: '0.0.0.0',
      OJS_TOKEN: ' work:first-secret  second-secret ',
      OJS_ALLOWED_HOSTS: 'A.example.com, b.example.com',
      OJS_ALLOWED_ORIGINS: 'https://a.example.com',
      OJS_LOG_LEVEL: 'WARN',
      OJS_INSECURE: '',
    };
    expect(readConfig({}, env)).toMatchObject({
      storage: 'memory:',
      port: 0,
      host: '0.0.0.0',
      tokens: [
        { secret: 'first-secret', scopes: ['work'] },
        { secret: 'second-secret', scopes: ['enqueue', 'work', 'admin'] },
      ],
      allowedHosts: ['a.example.com', 'b.example.com'],
      allowedOrigins: ['https://a.example.com'],
      log: 'warn',
    });
    const options: ServerOptions = { storage: 'sqlite:', port: 1, host: '::1', tokens: ['another-secret'], allowedHosts: [], log: false };
    expect(readConfig(options, env)).toMatchObject({
      storage: 'sqlite:',
      port: 1,
      host: '::1',
      tokens: [{ secret: 'another-secret' }],
      allowedHosts: [],
      log: false,
    });
  });

  const { certFile, keyFile } = selfSigned();
  const noPem = join(dirname(certFile), 'no.pem');
  writeFileSync(noPem, 'nothing');

  const refused: readonly (readonly [string, ServerOptions, Record<string, string>, RegExp])[] = [
    ['beyond loopback without a token', { host: '0.0.0.0' }, {}, /0\.0\.0\.0 without a token.*--token.*--insecure/],
    ['beyond loopback by the environment', {}, { OJS_HOST: '::' }, /:: without a token/],
    ['test mode beyond loopback, even with a token', { host: '0.0.0.0', testMode: true, tokens: ['long-enough'] }, {}, /loopback only/],
    ['a short token', { tokens: ['short'] }, {}, /8 characters/],
    ['a short secret behind scopes', { tokens: ['enqueue,work:short'] }, {}, /8 characters/],
    ['a port that is none', {}, { OJS_PORT: '70000' }, /OJS_PORT is 70000.*0 to 65535/],
    ['a port in words', {}, { OJS_PORT: 'http' }, /OJS_PORT is http/],
    ['a level that is none', {}, { OJS_LOG_LEVEL: 'loud' }, /OJS_LOG_LEVEL is loud.*debug, info, warn, error/],
    ['a flag that is neither', {}, { OJS_TEST_MODE: 'maybe' }, /OJS_TEST_MODE is maybe.*true or false/],
    ['a certificate without a key', { tls: { certFile, keyFile: '' } }, {}, /both a certificate file and a key file/],
    ['a key without a certificate', {}, { OJS_TLS_KEY_FILE: keyFile }, /both a certificate file and a key file/],
    ['a certificate that is not there', { tls: { certFile: '/no/such.pem', keyFile } }, {}, /\/no\/such\.pem cannot be read/],
    ['a certificate that is none', { tls: { certFile: noPem, keyFile } }, {}, /no\.pem and .* cannot serve/],
  ];
  test.each(refused)('refuses %s', (_, options, env, message) => {
    const read = () => readConfig(options, env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  test('accepts what was said on purpose', () => {
    expect(readConfig({ host: '0.0.0.0', insecure: true }, {}).host).toBe('0.0.0.0');
    expect(readConfig({ host: '0.0.0.0' }, { OJS_INSECURE: 'true' }).host).toBe('0.0.0.0');
    expect(readConfig({ host: '0.0.0.0', tokens: ['long-enough'] }, {}).host).toBe('0.0.0.0');
    expect(readConfig({ host: 'localhost', testMode: true }, {}).testMode).toBe(true);
  });

  test('messages never have the secret', () => {
    expect(() => readConfig({ tokens: ['s3cr3t'] }, {})).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('s3cr3t') }),
    );
  });
});

describe('startServer', () => {
  test('a port in use is an error that says so, and the store is let go of', async () => {
    await using first = await serve();
    await expect(serve({ port: Number(new URL(first.url).port) })).rejects.toThrow(/EADDRINUSE/);
  });

  test('an unknown storage is named without its password', async () => {
    await expect(serve({ storage: 'mysql://me:hush@db/jobs' })).rejects.toThrow(/mysql:\/\/me:\*\*\*@db.*expected 'memory:'/);
  });
});
