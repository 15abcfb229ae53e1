import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig, type ServerOptions } from '../src/config.ts';
import { ConfigError } from '../src/config-error.ts';
import { selfSigned } from './support/certificate.ts';
import { serve } from './support/server.ts';

describe('readConfig', () => {
  test('has the defaults of docs/reference/server.md', () => {
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
      requestRate: null,
      engine: { poisonAfter: 3, retention: { completedMs: 7 * 86_400_000 } },
    });
  });

  test('reads settings of the engine, options over the environment', () => {
    const env = {
      OJS_REQUEST_RATE: '1000/60s',
      OJS_PAUSED_QUEUES: 'reject',
      OJS_POISON_AFTER: '5',
      OJS_DEAD_AFTER: '45s',
      OJS_VISIBILITY_TIMEOUT: 'PT10M',
      OJS_RETAIN_COMPLETED: '1d',
      OJS_RETAIN_EVENTS: '2h',
      OJS_RETAIN_DEAD_LETTER: '90d',
      OJS_RETAIN_COUNT: '2000000',
      OJS_HISTORY_ENABLED: 'true',
      OJS_HISTORY_RETENTION_DAYS: '90',
      OJS_HISTORY_RETENTION: 'queue=mail,state=completed:1d type=audit.*:365d',
    };
    const { engine, requestRate } = readConfig({}, env);
    expect(requestRate).toEqual({ limit: 1_000, perMs: 60_000 });
    expect(engine).toMatchObject({
      pausedQueues: 'reject',
      poisonAfter: 5,
      deadAfterMs: 45_000,
      visibilityMs: 600_000,
      retention: { completedMs: 86_400_000, deadLetterMs: 7_776_000_000, eventsMs: 7_200_000, keep: 2_000_000 },
      history: { enabled: true, retentionDays: 90, rules: ['queue=mail,state=completed:1d', 'type=audit.*:365d'] },
    });
    const history = { enabled: false, rules: [] };
    const options = { requestRate: '1/1s', engine: { poisonAfter: 2, retention: { completedMs: 5 }, history } };
    const over = readConfig(options, env);
    expect(over.requestRate).toEqual({ limit: 1, perMs: 1_000 });
    expect(over.engine).toMatchObject({
      poisonAfter: 2,
      pausedQueues: 'reject',
      retention: { completedMs: 5, deadLetterMs: 7_776_000_000, eventsMs: 7_200_000 },
      history: { enabled: false, retentionDays: 90, rules: [] },
    });
    expect(() => readConfig({}, { OJS_HISTORY_RETENTION: 'quue=mail:7d' })).toThrow(ConfigError);
    expect(() => readConfig({ engine: { history: { retentionDays: 0 } } }, {})).toThrow(ConfigError);
  });

  test('a variable that is a letter off is refused; others are for the log', () => {
    expect(() => readConfig({}, { OJS_STORGE: 'memory:' })).toThrow(
      new ConfigError('OJS_STORGE: unknown variable. Did you mean OJS_STORAGE?'),
    );
    const { warnings } = readConfig(
      {},
      { OJS_COLOUR: 'red', OJS_URL: 'http://localhost:8080', OJS_SERVICE_HOST: '10.0.0.1' },
    );
    expect(warnings).toEqual([{ event: 'unknown variable', fields: { name: 'OJS_COLOUR', suggestion: null } }]);
  });

  test('OJS_PORT as Kubernetes makes it is ignored, and the log says what to do', () => {
    const { port, warnings } = readConfig({}, { OJS_PORT: 'tcp://10.0.0.1:8080', OJS_PORT_8080_TCP_PROTO: 'tcp' });
    expect(port).toBe(8080);
    expect(warnings).toEqual([
      {
        event: 'variable ignored',
        fields: { name: 'OJS_PORT', reason: expect.stringContaining('enableServiceLinks: false') },
      },
    ]);
  });

  test.each([
    ['long-secret', 'long-secret', ['admin']],
    ['enqueue,work:long-secret', 'long-secret', ['enqueue', 'work']],
    ['admin:long:secret', 'long:secret', ['admin']],
  ])('the token %s', (token, secret, roles) => {
    expect(readConfig({ tokens: [token] }, {}).tokens).toEqual([{ secret, roles }]);
  });

  test.each([
    [
      'reader:abc12345',
      /unknown role reader; expected viewer, inspector, operator, admin, enqueue, work, cron, producer, worker\..* admin:SECRET/,
    ],
    ['corn:abc12345', /unknown role corn.*Did you mean cron\?/],
    ['wrok:abc12345', /unknown role wrok.*Did you mean work\?/],
    ['enqueue,:abc12345', /no role/],
    [':abc12345', /no role/],
    ['Zq7-secret!:part', /^token: the text before the colon is no role; (?!.*Zq7)/],
  ])('the token %s is refused', (token, message) => {
    expect(() => readConfig({ tokens: [token] }, {})).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
    );
  });

  describe('a file of tokens', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ojs-tokens-'));
    const fileOf = (name: string, text: string, mode = 0o600) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      chmodSync(file, mode);
      return file;
    };
    const file = fileOf('tokens', '# of the shop\nenqueue:shop-secret\n\n  work:worker-secret \r\n');

    test('has one a line, beside those of the option and the variable', () => {
      const fromFile = [
        { secret: 'shop-secret', roles: ['enqueue'] },
        { secret: 'worker-secret', roles: ['work'] },
      ];
      const { tokens, warnings } = readConfig({ tokenFile: file, tokens: ['long-secret'] }, {});
      expect(tokens).toEqual([{ secret: 'long-secret', roles: ['admin'] }, ...fromFile]);
      expect(warnings).toEqual([]);
      expect(readConfig({}, { OJS_TOKEN_FILE: file, OJS_HOST: '0.0.0.0' }).tokens).toEqual(fromFile);
    });

    test('that everybody can read is for the log', () => {
      const open = fileOf('open', 'long-secret', 0o644);
      expect(readConfig({ tokenFile: open }, {}).warnings).toEqual([
        {
          event: 'token file is readable by everybody',
          fields: { name: open, advice: expect.stringContaining('chmod') },
        },
      ]);
    });

    test.each([
      ['that is missing', join(folder, 'none'), /ENOENT.*none/],
      ['without a token', fileOf('empty', '# none yet\n\n'), /empty: expected a token/],
      ['with an unknown role', fileOf('scope', 'long-secret\nwrok:other-secret'), /scope, line 2: .*Did you mean work/],
      ['with a short token', fileOf('short', 's3cr3t'), /^(?!.*s3cr3t).*short, line 1: .*8 characters/],
    ])('%s is refused', (_, tokenFile, message) => {
      expect(() => readConfig({ tokenFile }, {})).toThrow(
        expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
      );
    });
  });

  test('takes addresses and networks of proxies, and the rate of failed logins', () => {
    const env = { OJS_PROXIES: '10.0.0.7, fd00::/8', OJS_FAILED_LOGINS: '3/1h', OJS_MAX_CONNECTIONS_PER_ADDRESS: '5' };
    expect(readConfig({}, env)).toMatchObject({
      proxies: ['10.0.0.7', 'fd00::/8'],
      failedLogins: { limit: 3, perMs: 3_600_000 },
      maxConnectionsPerAddress: 5,
    });
    for (const proxy of ['proxy.test', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129'])
      expect(() => readConfig({ proxies: [proxy] }, {})).toThrow(/OJS_PROXIES: .*expected the address of a proxy/);
    expect(() => readConfig({ failedLogins: 'none' }, {})).toThrow(/^failedLogins is "none"/);
  });

  test('reads the limits of streams and WebSockets, and whether there is an event log (docs/reference/events.md)', () => {
    const defaults = {
      bufferSize: 1_000,
      ratePerSecond: 100,
      connectionsPerClient: 100,
      heartbeatMs: 10_000,
      pingMs: 25_000,
    };
    expect(readConfig({}, {})).toMatchObject({ events: true, realtime: defaults });
    const env = {
      OJS_EVENTS: 'false',
      OJS_REALTIME_BUFFER: '50',
      OJS_REALTIME_RATE: '0',
      OJS_REALTIME_CONNECTIONS: '3',
    };
    expect(readConfig({}, env)).toMatchObject({
      events: false,
      realtime: { ...defaults, bufferSize: 50, ratePerSecond: 0, connectionsPerClient: 3 },
    });
    expect(readConfig({ events: true, realtime: { bufferSize: 7 } }, env)).toMatchObject({
      events: true,
      realtime: { bufferSize: 7, ratePerSecond: 0 },
    });
    for (const name of ['OJS_REALTIME_BUFFER', 'OJS_REALTIME_RATE', 'OJS_REALTIME_CONNECTIONS'])
      expect(() => readConfig({}, { [name]: 'many' })).toThrow(ConfigError);
  });

  test('the environment wins over defaults, options win over both', () => {
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
        { secret: 'first-secret', roles: ['work'] },
        { secret: 'second-secret', roles: ['admin'] },
      ],
      allowedHosts: ['a.example.com', 'b.example.com'],
      allowedOrigins: ['https://a.example.com'],
      log: 'warn',
    });
    const options: ServerOptions = {
      storage: 'sqlite:',
      port: 1,
      host: '::1',
      tokens: ['another-secret'],
      allowedHosts: [],
      log: false,
    };
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
    [
      'test mode beyond loopback, even with a token',
      { host: '0.0.0.0', testMode: true, tokens: ['long-enough'] },
      {},
      /loopback only/,
    ],
    ['a short token', { tokens: ['short'] }, {}, /8 characters/],
    ['a short secret behind roles', { tokens: ['enqueue,work:short'] }, {}, /8 characters/],
    ['a port that is none', {}, { OJS_PORT: '70000' }, /OJS_PORT is 70000.*0 to 65535/],
    ['a port in words', {}, { OJS_PORT: 'http' }, /OJS_PORT is http/],
    ['a level that is none', {}, { OJS_LOG_LEVEL: 'loud' }, /OJS_LOG_LEVEL is loud.*debug, info, warn, error/],
    ['a flag that is neither', {}, { OJS_TEST_MODE: 'maybe' }, /OJS_TEST_MODE is maybe.*true or false/],
    ['a request rate that is none', { requestRate: '1000' }, {}, /^requestRate is "1000".*1000\/60s/],
    [
      'a policy for paused queues that is none',
      {},
      { OJS_PAUSED_QUEUES: 'drop' },
      /OJS_PAUSED_QUEUES is drop.*accept or reject/,
    ],
    ['no death before a job is poison', {}, { OJS_POISON_AFTER: '0' }, /OJS_POISON_AFTER is 0.*from 1 to/],
    ['a silence without a unit', {}, { OJS_DEAD_AFTER: '30' }, /OJS_DEAD_AFTER is 30.*30s/],
    ['a retention of nothing', {}, { OJS_RETAIN_DISCARDED: '0s' }, /OJS_RETAIN_DISCARDED is 0s/],
    ['a retention of no job', {}, { OJS_RETAIN_COUNT: '0' }, /OJS_RETAIN_COUNT is 0.*from 1 to/],
    ['a certificate without a key', { tls: { certFile, keyFile: '' } }, {}, /both a certificate file and a key file/],
    ['a key without a certificate', {}, { OJS_TLS_KEY_FILE: keyFile }, /both a certificate file and a key file/],
    [
      'a certificate that is not there',
      { tls: { certFile: '/no/such.pem', keyFile } },
      {},
      /\/no\/such\.pem cannot be read/,
    ],
    ['a certificate that is none', { tls: { certFile: noPem, keyFile } }, {}, /no\.pem and .* cannot serve/],
  ];
  test.each(refused)('refuses %s', (_, options, env, message) => {
    const read = () => readConfig(options, env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  test('accepts explicit settings', () => {
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
    await expect(serve({ storage: 'mysql://me:hush@db/jobs' })).rejects.toThrow(
      /mysql:\/\/me:\*\*\*@db.*expected 'memory:'/,
    );
  });
});
