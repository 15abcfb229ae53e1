import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorKinds } from '@ojs-ts/core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isWider, violations } from '../../dashboard/test/axe.ts';
import { chromiumPath, launch } from '../../dashboard/test/dashboard.ts';
import { serveClocked } from '../../server/test/support/clocked.ts';
import { send } from '../../server/test/support/request.ts';

const root = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'ojs-site-'));
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

/** What a build says of itself. */
interface Built {
  readonly contentSecurityPolicy: string;
  readonly pages: readonly { readonly path: string; readonly anchors: readonly string[] }[];
}

let server: Server;
let url: string;
/** The broken links of the build, or why it failed. */
let failure: string;

/** Installs the tools of the site by its own lock file, where they are missing. */
async function build(...args: readonly string[]): Promise<string> {
  const all = ['scripts/site.mjs', '--base', '/docs/', '--out', folder, ...args];
  return (await run(process.execPath, all, { cwd: root, maxBuffer: 2 ** 26 })).stdout;
}

beforeAll(async () => {
  // An older version with fewer pages.
  const older = join(folder, 'older');
  mkdirSync(join(older, 'start'), { recursive: true });
  writeFileSync(join(older, 'README.md'), '# Guides\n\nRead [First job](start/first-job.md).\n');
  writeFileSync(join(older, 'start/first-job.md'), '# First job\n\n## Start a server\n\nAn older text.\n');
  await build('--version', '0.9.0', '--docs', older, '--handwritten');
  failure = await build('--version', '1.0.0').then(
    () => '',
    ({ stderr }) => String(stderr),
  );
  server = await serve();
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/docs/1.0.0/`;
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
};

/** Serves the versions with the policies of their pages. */
async function serve(): Promise<Server> {
  const started = createServer(async ({ url: address = '' }, answer) => {
    const path = decodeURI(address.split(/[?#]/)[0] ?? '').replace('/docs/', '');
    const place = path.replace(/(^|\/)$/, '$1index.html');
    try {
      const body = await readFile(join(folder, place));
      const version = place.split('/')[0] ?? '';
      const policy = version.endsWith('.0') ? JSON.parse(read(`${version}/pages.json`)).contentSecurityPolicy : '';
      answer.writeHead(200, {
        'content-type': types[extname(place)] ?? 'application/octet-stream',
        ...(policy && { 'content-security-policy': policy }),
      });
      answer.end(body);
    } catch {
      answer.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => started.listen(0, '127.0.0.1', listening));
  return started;
}

test('the code of the site type-checks with its own TypeScript', async () => {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: join(root, 'site') });
});

test('the site has no broken link or anchor, and a build with one fails', async () => {
  expect(failure).toBe('');
  const broken = join(folder, 'broken');
  mkdirSync(join(broken, 'start'), { recursive: true });
  writeFileSync(
    join(broken, 'README.md'),
    '# Guides\n\n[One](start/first-job.md#none), [two](start/none.md), [three](#guides).\n',
  );
  writeFileSync(join(broken, 'start/first-job.md'), '# First job\n');
  await expect(
    build('--version', '0.8.0', '--docs', broken, '--handwritten', '--out', join(folder, 'wrong')),
  ).rejects.toMatchObject({
    stderr: expect.stringMatching(
      /broken link: index\.html: .*first-job\.html#none\nbroken link: index\.html: .*none\.html\n/,
    ),
  });
});

test('our server serves every page, and every error links to a section of one', async () => {
  const { contentSecurityPolicy, pages }: Built = JSON.parse(read('1.0.0/pages.json'));
  const docs = { folder: join(folder, '1.0.0'), contentSecurityPolicy };
  await using served = await serveClocked('memory:', {}, {}, { docs });
  for (const { path } of pages) {
    const { status, headers } = await send(served.url, { path: `/docs/${path}` });
    expect([path, status, headers['content-security-policy']]).toEqual([path, 200, contentSecurityPolicy]);
  }
  expect(contentSecurityPolicy).not.toMatch(/script-src[^;]*'unsafe-/);
  const { docs_url } = JSON.parse((await send(served.url, { path: '/nothing' })).text).error;
  const [path, anchor] = String(docs_url).replace(`${served.url}/docs/`, '').split('#');
  expect(anchor).toBe('not_found');
  const errors = pages.find((page) => page.path === path);
  expect(Object.keys(errorKinds).filter((code) => !errors?.anchors.includes(code))).toEqual([]);
});

test('every page is Markdown next to its HTML, and texts for models list all pages', () => {
  const { pages }: Built = JSON.parse(read('1.0.0/pages.json'));
  const shown = pages.filter(({ path }) => path !== '404.html');
  expect(shown.length).toBeGreaterThan(300);
  for (const { path } of shown) expect(read(`1.0.0/${path.replace(/html$/, 'md')}`)).toMatch(/^# /m);
  const list = read('1.0.0/llms.txt');
  for (const { path } of shown.filter(({ path: one }) => /^(?:start|guides|operate|reference|migrate)\//.test(one)))
    expect(list).toContain(`(/docs/1.0.0/${path.replace(/html$/, 'md')})`);
  expect(read('1.0.0/llms-full.txt')).toContain('# First job');
  const client = pages.find(({ path }) => path === 'api/sdk/classes/Client.html');
  expect(client?.anchors).toEqual(expect.arrayContaining(['enqueue', 'canceljob']));
  const jobs = pages.find(({ path }) => path === 'openapi/job.html');
  expect(jobs?.anchors).toContain('post-ojsv1jobs');
  expect(JSON.parse(read('1.0.0/openapi.json')).openapi).toBe('3.1.0');
  expect(JSON.parse(read('1.0.0/schemas/job.schema.json')).title).toBe('A job as the server answers it');
});

/** What people type, and the pages of which one is among the first three results. */
const searches: readonly (readonly [query: string, pages: RegExp])[] = [
  ['unique', /\/guides\/unique-jobs\.html/],
  ['stuck queue', /\/operate\/stuck-queue\.html/],
  ['rate limit per customer', /\/guides\/limits\.html/],
  ['BullMQ', /\/migrate\/from-bullmq\.html/],
  ['QUEUE_FULL', /\/reference\/errors\.html/],
  ['401', /\/reference\/errors\.html/],
];

describe.skipIf(chromiumPath === null)('in a browser', () => {
  async function open(
    path = '',
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] } & AsyncDisposable> {
    const context = await (await launch()).newContext({
      reducedMotion: 'reduce',
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(url + path);
    return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  test('search finds what people type among the first three results', async () => {
    await using opened = await open();
    const { page, complaints } = opened;
    await page.getByRole('button', { name: 'Search' }).click();
    for (const [query, pages] of searches) {
      await page.getByRole('searchbox').fill(query);
      const results = page.locator('.results a');
      await expect.poll(async () => (await results.count()) > 0).toBe(true);
      await expect
        .poll(
          async () => {
            const links = await results.evaluateAll((all) =>
              all.slice(0, 3).map((one) => one.getAttribute('href') ?? ''),
            );
            return links.some((link) => pages.test(link));
          },
          { message: query, timeout: 20_000 },
        )
        .toBe(true);
    }
    expect(complaints).toEqual([]);
  });

  test('the first page has less than 200 kB of script', async () => {
    const context = await (await launch()).newContext();
    try {
      const page = await context.newPage();
      let bytes = 0;
      const sizes: Promise<void>[] = [];
      page.on('response', (response) => {
        if (!response.url().endsWith('.js')) return;
        sizes.push(
          response.body().then((body) => {
            bytes += body.length;
          }),
        );
      });
      await page.goto(url, { waitUntil: 'networkidle' });
      await Promise.all(sizes);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThan(200_000);
    } finally {
      await context.close();
    }
  });

  test.each(['light', 'dark'] as const)('five pages follow the rules of accessibility, %s', async (colorScheme) => {
    for (const path of [
      '',
      'guides/unique-jobs.html',
      'start/first-job.html',
      'guides/workflows.html',
      'openapi/job.html',
      'api/sdk/classes/Client.html',
    ]) {
      await using opened = await open(path, { colorScheme });
      await opened.page.getByRole('heading', { level: 1 }).waitFor();
      expect(await violations(opened.page), path).toEqual([]);
      expect(opened.complaints, path).toEqual([]);
    }
  });

  test('a phone shows pages and the menu without scrolling sideways', async () => {
    await using opened = await open('guides/workflows.html', {
      viewport: { width: 390, height: 800 },
      isMobile: true,
      hasTouch: true,
    });
    const { page } = opened;
    expect(await isWider(page)).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('link', { name: 'Retries' }).click();
    await page.getByRole('heading', { level: 1, name: 'Retries' }).waitFor();
  });

  test('the switcher stays on a page that the other version has, else it opens the first page', async () => {
    await using opened = await open('start/first-job.html');
    const { page } = opened;
    const switcher = page.getByRole('combobox', { name: 'Version' });
    await expect.poll(() => switcher.locator('option').allTextContents()).toEqual(['1.0.0', '0.9.0']);
    await switcher.selectOption('0.9.0');
    await page.waitForURL('**/docs/0.9.0/start/first-job.html');
    await page.getByText('An older text.').waitFor();
    await page.getByRole('combobox', { name: 'Version' }).selectOption('1.0.0');
    await page.waitForURL('**/docs/1.0.0/start/first-job.html');
    await page.goto(`${url}guides/retries.html`);
    await page.getByRole('combobox', { name: 'Version' }).selectOption('0.9.0');
    await page.waitForURL('**/docs/0.9.0/');
  });

  test('a page has a link to edit it', async () => {
    await using opened = await open();
    const edit = opened.page.getByRole('link', { name: 'Edit this page' });
    expect(await edit.getAttribute('href')).toBe('https://github.com/ojs-ts/ojs-ts/edit/main/docs/README.md');
  });
});
