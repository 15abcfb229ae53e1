// mistakes.txt: makes each mistake and compares the messages. `vitest run --project "long*" -u` on this file writes
// them anew.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { type RunningServer, startServer } from '@ojs-ts/server';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { send } from '../../../server/test/support/request.ts';

const file = fileURLToPath(new URL('mistakes.txt', import.meta.url));
const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
const page = readFileSync(file, 'utf8');
/** The code of the mistake, and below it the message. */
const section = /(?<=\n)(\[(ts|sh|http)\]\n([\s\S]*?)=>\n)[\s\S]*?(?=\n(?:\n\[|$(?![\s\S])))/g;

const load = async () => ({
  ...(await import('../../src/index.ts')),
  ...(await import('../../src/transaction/index.ts')),
});
let sdk: Awaited<ReturnType<typeof load>>;
let server: RunningServer;
let guarded: RunningServer;
let website: Server;
/** Ports of the file, and those that stand for them here. */
let ports: readonly (readonly [written: string, real: string])[];

beforeAll(async () => {
  // What warns once a process has warned nobody yet.
  vi.resetModules();
  sdk = await load();
  server = await startServer({ storage: 'memory:', port: 0, log: false });
  guarded = await startServer({
    storage: 'memory:',
    port: 0,
    log: false,
    tokens: ['the-right-secret', 'enqueue:producers-secret'],
  });
  website = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>My site</title>'),
  );
  await new Promise<void>((resolve) => void website.listen(0, '127.0.0.1', resolve));
  const portOf = (address: AddressInfo | string | null) =>
    typeof address === 'object' && address ? String(address.port) : '';
  ports = [
    ['8080', new URL(server.url).port],
    ['8082', new URL(guarded.url).port],
    ['3000', portOf(website.address())],
    // No free port: another program might listen there meanwhile.
    ['8081', '1'],
  ];
});
afterAll(async () => {
  await Promise.all([server.close(), guarded.close()]);
  website.closeAllConnections();
  await new Promise((resolve) => website.close(resolve));
});

const toReal = (text: string) =>
  ports.reduce(
    (given, [written, real]) => given.replaceAll(new RegExp(`(?<=127\\.0\\.0\\.1:|--port )${written}\\b`, 'g'), real),
    text,
  );

/** What differs from run to run, by words that do not. */
function steady(text: string): string {
  return ports
    .reduce(
      (given, [written, real]) => given.replaceAll(new RegExp(`(?<=127\\.0\\.0\\.1:|Port )${real}\\b`, 'g'), written),
      text,
    )
    .replaceAll(/"timestamp":"[^"]+"/g, '"timestamp":"<time>"')
    .replaceAll(process.execPath, '/usr/bin/node');
}

/** The error of the code; without one, what is logged. */
async function runScript(code: string): Promise<string> {
  await using client = new sdk.Client(server.url);
  const scope = { ...sdk, pg, client };
  const lines: string[] = [];
  const log = vi.spyOn(console, 'warn').mockImplementation((...line: unknown[]) => void lines.push(format(...line)));
  // A worker that starts for good would keep the test waiting.
  const ending = toReal(code).replaceAll('worker.start()', 'worker.runUntil(() => worker.ready)');
  try {
    await new Function(...Object.keys(scope), `return (async () => {${ending}})()`)(...Object.values(scope));
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    throw error;
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

/** What the command writes to standard error, until it ends or listens. */
async function runCommand(line: string): Promise<string> {
  const [, version, assignments = '', flags = ''] =
    /^(?:# Node\.js (\S+)\n)?((?:\w+=\S+ )*)npx ojs (.+)\n$/.exec(toReal(line)) ?? [];
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const args = [
    ...(version === undefined ? [] : ['--import', `data:text/javascript,${old}`]),
    main,
    ...flags.split(' '),
  ];
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OJS_')));
  const set = Object.fromEntries(assignments.split(' ').map((one) => one.split('=')));
  const cwd = mkdtempSync(join(tmpdir(), 'ojs-mistake-'));
  const env = { ...own, OJS_PORT: '0', OJS_STORAGE: 'memory:', OJS_LOG_LEVEL: 'warn', ...set };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stdout.on('data', () => child.kill());
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await new Promise((resolve) => child.once('close', resolve));
  rmSync(cwd, { recursive: true });
  return errors.trim();
}

/** Status, and what the body says of the mistake. */
async function sendRequest(text: string): Promise<string> {
  const [head = '', body = ''] = text.split('\n\n');
  const [start = '', ...fields] = head.trim().split('\n');
  const [method = '', path = ''] = start.split(' ');
  const headers = Object.fromEntries(fields.map((field) => field.split(': ')));
  const answer = await send(server.url, { method, path, headers, ...(body !== '' && { body: body.trim() }) });
  const { error, warnings } = JSON.parse(answer.text);
  const said = error === undefined ? { warnings } : { error: { code: error.code, message: error.message } };
  return `HTTP ${answer.status} ${JSON.stringify(said)}`;
}

const runs = { ts: runScript, sh: runCommand, http: sendRequest };

test('each mistake gives the message that mistakes.txt shows', async () => {
  const messages: string[] = [];
  for (const [, , language = '', code = ''] of page.matchAll(section)) {
    if (language !== 'ts' && language !== 'sh' && language !== 'http') throw new Error(`${language} cannot be run`);
    const message = steady(await runs[language](code));
    expect(message, code).not.toBe('');
    messages.push(message);
  }
  expect(messages).toHaveLength([...page.matchAll(/^=>$/gm)].length);
  expect(messages.length).toBeGreaterThanOrEqual(41);
  let next = 0;
  await expect(page.replaceAll(section, (_, before: string) => `${before}${messages[next++]}`)).toMatchFileSnapshot(
    file,
  );
});
