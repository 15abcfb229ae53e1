import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startServer } from '@ojs-ts/server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { selfSigned } from '../../../server/test/support/certificate.ts';
import { consoleLogger } from '../../src/connection/logger.ts';
import { Client, Worker } from '../../src/index.ts';
import { benchOfEachTest } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';

const bench = benchOfEachTest();
afterEach(() => vi.unstubAllEnvs());

// A fault of other SDKs: no configuration by the environment (SDK-007 to SDK-009).
describe('the environment, below code and above the defaults', () => {
  test('OJS_QUEUE is the queue of jobs, crons and workers that name none', async () => {
    vi.stubEnv('OJS_QUEUE', 'from-env');
    const client = new Client(bench.wire);
    expect(await client.enqueue('test.job', [])).toMatchObject({ queue: 'from-env' });
    expect((await client.enqueueBatch([{ type: 'test.job', args: [] }]))[0]).toMatchObject({ queue: 'from-env' });
    expect(await client.enqueue('test.job', [], { queue: 'code' })).toMatchObject({ queue: 'code' });
    expect(await new Client(bench.wire, { queue: 'option' }).enqueue('test.job', [])).toMatchObject({
      queue: 'option',
    });
    expect(await client.registerCronJob('c', '@daily', 'test.job')).toMatchObject({ queue: 'from-env' });
    vi.stubEnv('OJS_QUEUE', '');
    expect(await new Client(bench.wire).enqueue('test.job', [])).toMatchObject({ queue: 'default' });
  });

  test.each([
    ['OJS_BACKEND_URL', 'localhost', () => new Client()],
    ['OJS_QUEUE', 'Not A Queue', () => new Client()],
    ['OJS_LOG_LEVEL', 'loud', () => new Client()],
    ['OJS_LOG_LEVEL', 'loud', () => new Worker()],
    ['OJS_CONCURRENCY', 'many', () => new Worker()],
    ['OJS_SHUTDOWN_TIMEOUT', 'soon', () => new Worker()],
  ])('%s=%s is refused by its name', (name, value, make) => {
    vi.stubEnv(name, value);
    expect(make).toThrow(
      expect.objectContaining({ name: 'OJSValidationError', message: expect.stringContaining(value) }),
    );
    expect(make).toThrow(name === 'OJS_QUEUE' || name === 'OJS_CONCURRENCY' ? /queue|concurrency|OJS_/i : name);
  });

  test('OJS_LOG_LEVEL in any case', () => {
    vi.stubEnv('OJS_LOG_LEVEL', 'ERROR');
    new Client();
  });

  test.each<[Record<string, string | undefined>, string[]]>([
    [{}, ['info', 'warn', 'error']],
    [{ OJS_LOG_LEVEL: 'debug' }, ['debug', 'info', 'warn', 'error']],
    [{ OJS_LOG_LEVEL: 'silent' }, []],
    [{ NODE_ENV: 'test' }, ['warn', 'error']],
    [{ NODE_TEST_CONTEXT: 'child-v8' }, ['warn', 'error']],
    [{ NODE_ENV: 'test', OJS_LOG_LEVEL: 'info' }, ['info', 'warn', 'error']],
  ])('with %o the console logs %o, never to standard output', (variables, expected) => {
    for (const name of ['NODE_ENV', 'NODE_TEST_CONTEXT', 'OJS_LOG_LEVEL']) vi.stubEnv(name, variables[name]);
    const lines: unknown[] = [];
    for (const method of ['warn', 'error'] as const)
      vi.spyOn(console, method).mockImplementation((line) => void lines.push(line));
    const output = [vi.spyOn(console, 'info'), vi.spyOn(console, 'debug'), vi.spyOn(console, 'log')];
    const logger = consoleLogger();
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
    expect(lines).toEqual(expected.map((level) => `ojs: ${level}`));
    for (const method of output) expect(method).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test('an empty environment is valid', () => {
    for (const name of ['OJS_BACKEND_URL', 'OJS_QUEUE', 'OJS_LOG_LEVEL', 'OJS_AUTH_TOKEN']) vi.stubEnv(name, undefined);
    new Client();
  });
});

describe('TLS', () => {
  test('options override OJS_TLS_CA_FILE', async () => {
    const { certFile, keyFile } = selfSigned();
    const cert = readFileSync(certFile, 'utf8');
    await using server = await startServer({ storage: 'memory:', port: 0, log: false, tls: { certFile, keyFile } });
    const url = server.url.replace('127.0.0.1', 'localhost');
    const logger = keepingLogger();
    const options = { logger, requestRetry: false } as const;
    await using blind = new Client(url, options);
    await expect(blind.health()).rejects.toMatchObject({
      name: 'OJSConnectionError',
      message: expect.stringMatching(/certificate/i),
    });
    await using careless = new Client(url, { ...options, tls: { rejectUnauthorized: false } });
    expect(await careless.health()).toMatchObject({ status: 'ok' });
    await using trusting = new Client(url, { ...options, tls: { ca: cert } });
    expect(await trusting.health()).toMatchObject({ status: 'ok' });
    vi.stubEnv('OJS_TLS_CA_FILE', certFile);
    vi.stubEnv('OJS_TLS_CERT_FILE', certFile);
    vi.stubEnv('OJS_TLS_KEY_FILE', keyFile);
    await using informed = new Client(url, options);
    expect(await informed.health()).toMatchObject({ status: 'ok' });
    const other = join(dirname(certFile), 'other.pem');
    writeFileSync(other, '');
    vi.stubEnv('OJS_TLS_CA_FILE', other);
    await using over = new Client(url, { ...options, tls: { ca: cert } });
    expect(await over.health()).toMatchObject({ status: 'ok' });
  });

  test('TLS options without effect are refused at the constructor', () => {
    vi.stubEnv('OJS_TLS_CA_FILE', '/nowhere/ca.pem');
    expect(() => new Client('https://localhost')).toThrow(/OJS_TLS_CA_FILE.*nowhere/);
    new Client('http://localhost');
    vi.stubEnv('OJS_TLS_CA_FILE', '');
    expect(() => new Client('https://localhost', { tls: { cert: 'x' } })).toThrow('tls.key');
    expect(() => new Client('http://localhost', { tls: { ca: 'x' } })).toThrow('starts with https');
    expect(() => new Client('https://localhost', { tls: { ca: 'x' }, fetch })).toThrow('fetch');
  });
});
