import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Those whose code is not a file of `examples`, as that of the first job is. */
const guides = [
  ...['typed-jobs', 'retries', 'failed-jobs', 'scheduling', 'unique-jobs', 'priority', 'cron', 'limits'],
  ...['choosing-limits', 'cancel-jobs', 'workflows', 'workflow-results', 'events', 'graceful-shutdown'],
  ...['outbox', 'steps', 'frameworks', 'serverless', 'opentelemetry', 'encryption', 'scripts'],
  ...['from-bullmq', 'from-pg-boss', 'from-graphile-worker', 'from-celery'],
];
const pages = [
  'docs/operate/bulk.md',
  'docs/operate/explain.md',
  'README.md',
  'packages/sdk/README.md',
  'docs/reference/sdk-by-section.md',
  'docs/reference/sdk-errors.md',
  ...globSync(`docs/!(reference)/{${guides.join(',')}}.md`, { cwd: root }),
  'docs/guides/mount-the-dashboard.md',
  'docs/guides/dev-server.md',
  'docs/reference/client.md',
  'docs/reference/worker.md',
  'docs/reference/errors.md',
];

/** What the pieces of code take for given. */
const givens = `import type { Client, Logger, Worker } from '@ojs-ts/sdk';
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
declare global {
  const client: Client;
  const worker: Worker;
  const workflowId: string;
  const rawEvent: Record<string, unknown>;
  const myLogger: Logger;
  const myTracerProvider: TracerProvider;
  const myMeterProvider: MeterProvider;
  function roleOf(cookie: string | null | undefined): Promise<'viewer' | 'operator' | 'admin' | false>;
  function sendEmail(...args: unknown[]): Promise<void>;
  const stock: {
    reserve(sku: string): Promise<{ id: string; price: number }>;
    release(id: string | undefined): Promise<void>;
    ship(id: string): Promise<void>;
  };
  const bank: { charge(amount: number, key: string): Promise<void>; refund(key: string): Promise<void> };
  function exportData(id: string): Promise<void>;
  function generateTraceId(): string;
  function reportToSentry(error: unknown, context: { jobId: string }): Promise<void>;
}
`;

test('the code of the documents type-checks as strictly as ours', async () => {
  // Below the SDK's own dependencies, which the pieces import.
  const home = join(root, 'packages/sdk/node_modules');
  mkdirSync(home, { recursive: true });
  const folder = mkdtempSync(join(home, '.snippets-'));
  try {
    const files = pages.flatMap((page) =>
      [...read(page).matchAll(/```ts\n([\s\S]*?)```/g)].flatMap(([, code = ''], index) => {
        const file = join(folder, `${page.replaceAll('/', '-')}-${index + 1}.ts`);
        writeFileSync(file, `${code}export {};\n`);
        return [file];
      }),
    );
    expect(files.length).toBeGreaterThan(pages.length);
    writeFileSync(join(folder, 'givens.d.ts'), givens);
    const { compilerOptions } = JSON.parse(read('tsconfig.json'));
    const config = {
      compilerOptions: { ...compilerOptions, noUnusedLocals: false },
      files: [...files, join(folder, 'givens.d.ts')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const checked = run(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'],
      { cwd: folder },
    );
    const said = await checked.then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(said).toBe('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The anchor that a heading gets. */
const anchorOf = (heading: string) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('every link within the documents has a target', () => {
  const files = [...globSync('{*.md,docs/**/*.md,{packages,lab}/*/README.md,lab/*.md,lab/docs/*.md}', { cwd: root })];
  const dead = files.flatMap((file) => {
    const text = read(file).replaceAll(/```[\s\S]*?```/g, '');
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [path = '', anchor] = link.replace('https://github.com/ojs-ts/ojs-ts/blob/main/', `${root}/`).split('#');
      if (path.startsWith('http')) return [];
      const target = path === '' ? join(root, file) : resolve(root, dirname(file), path);
      if (!existsSync(target)) return [`${file}: ${link}`];
      if (anchor === undefined || !target.endsWith('.md')) return [];
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        anchorOf(heading),
      );
      return headings.includes(anchor) ? [] : [`${file}: ${link}`];
    });
  });
  expect(dead).toEqual([]);
});
