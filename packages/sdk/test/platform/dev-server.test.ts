import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client, devServerUrl, OJSConnectionError } from '../../src/index.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ojs-found-')));
  writeFileSync(join(folder, 'package.json'), '{}');
  vi.spyOn(process, 'cwd').mockImplementation(() => folder);
  vi.stubEnv('OJS_BACKEND_URL', '');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const lines = (url: string, pid: number | undefined) => `${url}\n${pid}\n`;
/** The id of a process that has ended. */
const ended = () => spawnSync(process.execPath, ['-e', '']).pid;

function dev(text: string | null): void {
  mkdirSync(join(folder, '.ojs'), { recursive: true });
  if (text !== null) writeFileSync(join(folder, '.ojs/url'), text);
}

async function enqueuedAt(reply: (url: string) => Promise<unknown>): Promise<readonly string[]> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(`${request.method} ${request.url}`);
    response.setHeader('content-type', 'application/json').end('{"job":{"id":"01a22351-4e62-7868-9a3e-5f9525f8a381"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await reply(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return paths;
}

test('a client without a URL asks the ojs dev of its folder, also from a folder below, and one that starts later', async () => {
  dev(null);
  await using client = new Client({ url: undefined, requestRetry: false });
  await expect(client.enqueue('a.b', [])).rejects.toThrow(`ojs dev does not run in ${folder}. Start it there, or set`);
  const inside = join(folder, 'src');
  mkdirSync(inside);
  vi.mocked(process.cwd).mockImplementation(() => inside);
  const paths = await enqueuedAt(async (url) => {
    dev(lines(url, process.pid));
    await client.enqueue('a.b', []);
  });
  expect(paths).toEqual(['POST /ojs/v1/jobs']);
});

test('a file of a process that has ended is no server: its port may be that of another project', async () => {
  const paths = await enqueuedAt(async (url) => {
    dev(lines(url, ended()));
    await using client = new Client({ url: undefined, requestRetry: false });
    const fault = await client.enqueue('a.b', []).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(OJSConnectionError);
    expect(fault).toMatchObject({
      message: `job.enqueue: ojs dev does not run in ${folder}: the process that wrote .ojs/url has ended. Start it there, or set OJS_BACKEND_URL to the URL of another server.`,
    });
    expect(() => devServerUrl()).toThrow('the process that wrote .ojs/url has ended');
  });
  expect(paths).toEqual([]);
});

test.each([
  ['in production', () => vi.stubEnv('NODE_ENV', 'production'), true],
  [
    'beyond the folder of its package.json',
    () => vi.mocked(process.cwd).mockImplementation(() => join(folder, 'web')),
    true,
  ],
  ['of a folder without ojs dev', () => {}, false],
])('there is no ojs dev %s', (_name, change, hasRun) => {
  if (hasRun) dev(lines('http://127.0.0.1:8081', process.pid));
  mkdirSync(join(folder, 'web'));
  writeFileSync(join(folder, 'web/package.json'), '{}');
  change();
  expect(devServerUrl()).toBe(null);
});

test('a URL in the environment goes first', async () => {
  dev(lines('http://127.0.0.1:9', process.pid));
  const paths = await enqueuedAt(async (url) => {
    vi.stubEnv('OJS_BACKEND_URL', url);
    await using client = new Client();
    await client.enqueue('a.b', []);
  });
  expect(paths).toHaveLength(1);
});
