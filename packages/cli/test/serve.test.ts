import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@ojs-ts/server';
import { afterEach, describe, expect, test } from 'vitest';
import { Ojs } from './support/ojs.ts';

const main = new URL('../src/main.ts', import.meta.url).pathname;
const running = new Set<ChildProcess>();

interface Command {
  readonly process: ChildProcess;
  /** What was written so far. */
  output(): string;
  errors(): string;
  /** The exit code, when it has ended. */
  readonly ended: Promise<number | null>;
}

function ojs(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OJS_')));
  const cwd = mkdtempSync(join(tmpdir(), 'ojs-cli-'));
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { process: child, output: () => output, errors: () => errors, ended };
}

/** The URL that it prints once it listens. */
async function listening(command: Command): Promise<string> {
  const url = () => /listening on (\S+)/.exec(command.output())?.[1];
  await expect.poll(url, { timeout: 100_000, interval: 20 }).toBeDefined();
  return url() ?? '';
}

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

describe('ojs serve', () => {
  test('prints its URL, serves, and ends on SIGTERM with 0', async () => {
    const command = ojs(['serve', '--storage', 'sqlite:./jobs.db', '--port', '0', '--log-level', 'warn']);
    const url = await listening(command);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const health = await fetch(`${url}/ojs/v1/health`);
    expect(await health.json()).toMatchObject({ status: 'ok', backend: { type: 'sqlite' } });
    expect((await fetch(`${url}/dashboard`)).status).toBe(200);
    const waiting = fetch(`${url}/ojs/v1/workers/fetch`, {
      method: 'POST',
      body: Buffer.from('{"queues":["q"],"wait_ms":60000}'),
    });
    await fetch(`${url}/ojs/v1/health`);
    command.process.kill('SIGTERM');
    expect(await (await waiting).json()).toEqual({ jobs: [] });
    expect(await command.ended).toBe(0);
    expect(command.errors()).toBe('');
  });

  test('SIGINT ends the server with 0, and the log has JSON lines on standard error', async () => {
    const command = ojs(['serve', '--storage', 'memory:', '--port', '0', '--no-dashboard']);
    const url = await listening(command);
    expect((await fetch(`${url}/dashboard`)).status).toBe(404);
    command.process.kill('SIGINT');
    expect(await command.ended).toBe(0);
    const lines = command
      .errors()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { message: 'listening', severity: 'INFO', attributes: { url, storage: 'memory' } },
      { message: 'stopped' },
    ]);
  });

  test('on a terminal it says where the dashboard, the API and the store are, and its log is readable', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ojs-cli-'));
    const command = `exec '${process.execPath}' '${main}' serve --storage sqlite:./jobs.db --port 0`;
    const env = { HOME: folder, TERM: 'xterm', NO_COLOR: '1', PATH: process.env.PATH };
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder, env });
    running.add(terminal);
    const closed = once(terminal, 'close');
    let output = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await expect.poll(() => output, { interval: 20 }).toMatch(/Ctrl\+C stops the server/);
    terminal.stdin.write('\u0003');
    const [code] = await closed;
    running.delete(terminal);
    expect(code).toBe(0);
    const lines = output
      .replace('^C', '')
      .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'URL')
      .replace(/to=\d+/, 'to=LAYOUT')
      .trim()
      .split('\r\n');
    expect(lines).toEqual([
      'server │ store layout migrated from=0 to=LAYOUT',
      'ojs    │ dashboard  URL/dashboard/',
      'ojs    │ API        URL',
      'ojs    │ storage    sqlite:./jobs.db',
      'ojs    │ Ctrl+C stops the server. It answers the requests in progress first.',
      'server │ stopped',
    ]);
  });

  test('a second signal ends the server at once', async () => {
    const command = ojs(['serve', '--storage', 'memory:', '--port', '0']);
    const url = await listening(command);
    const socket = new AbortController();
    const slow = fetch(`${url}/ojs/v1/jobs`, {
      method: 'POST',
      body: new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) }),
      duplex: 'half',
      signal: socket.signal,
    } as RequestInit).catch(() => null);
    await fetch(`${url}/ojs/v1/health`);
    command.process.kill('SIGTERM');
    // It refuses connections from when it began to stop.
    await expect
      .poll(() =>
        fetch(`${url}/ojs/v1/health`).then(
          () => 'up',
          () => 'down',
        ),
      )
      .toBe('down');
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(143);
    socket.abort();
    await slow;
  });

  test('after SIGTERM an idle connection stays open for two seconds', async () => {
    const command = ojs(['serve', '--storage', 'memory:', '--port', '0', '--log-level', 'warn']);
    const url = await listening(command);
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    idle.write('GET /ojs/manifest HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(idle, 'data');
    idle.resume();
    const from = performance.now();
    command.process.kill('SIGTERM');
    await once(idle, 'end');
    expect(performance.now() - from).toBeGreaterThan(1_990);
    expect(await command.ended).toBe(0);
    expect(command.errors()).toBe('');
  });

  test('ojs serve reads the environment, and flags override it', async () => {
    const env = {
      OJS_STORAGE: 'memory:',
      OJS_PORT: '1',
      OJS_LOG_LEVEL: 'error',
      OJS_TOKEN: 'from-environment',
      OJS_TEST_MODE: 'true',
      OJS_DASHBOARD: 'false',
    };
    const command = ojs(['serve', '--port', '0', '--token', 'work:worker-token', '--token', 'from-flag'], env);
    const url = await listening(command);
    const status = async (token: string) =>
      (await fetch(`${url}/ojs/v1/admin/reset`, { method: 'POST', headers: { authorization: `Bearer ${token}` } }))
        .status;
    expect(await Promise.all(['from-environment', 'worker-token', 'from-flag'].map(status))).toEqual([401, 403, 200]);
    expect(await (await fetch(`${url}/ojs/manifest`)).json()).toMatchObject({ backend: 'memory' });
    expect((await fetch(`${url}/dashboard`)).status).toBe(404);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  const wrong: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
    [['--port', '70000'], {}, /--port.*0 to 65535/],
    [['--port'], {}, /--port.*argument missing/],
    [['--prot', '1'], {}, /unknown option '--prot'/],
    [['extra'], {}, /too many arguments/],
    [['--log-level', 'loud'], {}, /loud.*trace, debug, info, warn, error/],
    [['--host', '0.0.0.0'], {}, /0\.0\.0\.0 without a token/],
    [['--host', '0.0.0.0', '--test-mode', '--token', 'long-enough'], {}, /test mode/],
    [['--token', 'short'], {}, /8 characters/],
    [['--tls-cert', 'cert.pem'], {}, /both a certificate file and a key file/],
    [['--tls-cert', 'no.pem', '--tls-key', 'no.key'], {}, /no\.pem cannot be read/],
    [[], { OJS_PORT: 'x' }, /OJS_PORT is x/],
    [[], { OJS_INSECURE: 'maybe' }, /OJS_INSECURE is maybe/],
  ];
  test('invalid flags and variables exit with 2 and print the reason', async () => {
    for (const [args, env, message] of wrong) {
      using inside = new Ojs(env);
      const ended = await inside.run('serve', '--storage', 'memory:', ...args);
      expect(ended, args.join(' ')).toEqual({ code: 2, output: '', errors: expect.stringMatching(message) });
      expect(ended.errors).not.toMatch(/^ +at /m);
    }
  });

  test('a port in use and an unreachable store exit with 1 and print the reason', async () => {
    await using first = await startServer({ storage: 'memory:', port: 0, log: false });
    const taken = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const own = ojs(['serve', '--storage', 'memory:', '--port', String(port)]);
    expect(await own.ended).toBe(1);
    expect(own.errors()).toMatch(/Port \d+ of 127\.0\.0\.1 is taken by.* port with --port/);
    const commands: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ['--storage', 'memory:', '--host', 'localhost', '--port', new URL(first.url).port],
        /Port \d+ is taken: an OJS server \(ojs-ts \S+, store memory\) answers at http:\S+\. .* port with --port/,
      ],
      [['--storage', 'mysql://me:hush@db', '--port', '0'], /mysql:\/\/me:\*\*\*@db.*expected/],
      [['--storage', 'sqlite:/no/such/folder/jobs.db', '--port', '0'], /unable to open|no such|cannot/i],
    ];
    using inside = new Ojs();
    for (const [args, message] of commands) {
      const { code, errors } = await inside.run('serve', ...args);
      expect(code, args.join(' ')).toBe(1);
      expect(errors).toMatch(message);
      expect(`${own.errors()}${errors}`).not.toMatch(/^ +at /m);
    }
    await new Promise((resolve) => taken.close(resolve));
  });
});

test('ojs prints help and version, and refuses unknown commands', async () => {
  using inside = new Ojs();
  const help = await inside.run('--help');
  expect(help).toMatchObject({
    code: 0,
    output: expect.stringMatching(/serve[\s\S]*migrate[\s\S]*backup[\s\S]*restore/),
  });
  const version = ojs(['--version']);
  expect(await version.ended).toBe(0);
  expect(version.output()).toMatch(/^\d+\.\d+\.\d+\n$/);
  const unknown = ojs(['sevre']);
  expect(await unknown.ended).toBe(2);
  expect(unknown.errors()).toMatch(/unknown command 'sevre'/);
});
