import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { transform } from 'esbuild';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { words } from '../../core/test/support/text.ts';
import { contentOf, packageName, writeProject } from '../src/commands/init/project.ts';
import { isTemplateName, templates } from '../src/commands/init/template.ts';
import { Ojs } from './support/ojs.ts';

const names = Object.keys(templates).filter(isTemplateName);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-init-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Paths of the files of a folder. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

const parsers: Readonly<Record<string, (text: string, extension: string) => unknown>> = {
  '.json': (text) => JSON.parse(text),
  '.yaml': (text) => parse(text, { merge: true }),
  '.ts': (text) => transform(text, { loader: 'ts' }),
  '.tsx': (text) => transform(text, { loader: 'tsx' }),
};

describe.each(names)('the template %s', (template) => {
  let folder: string;
  let read: (path: string) => string;
  beforeEach(async () => {
    folder = join(emptyFolder(), 'My Shop');
    read = (path) => readFileSync(join(folder, path), 'utf8');
    await writeProject(folder, template);
  });

  test('has jobs, a worker, tests, and files for npm, git, TypeScript and containers', () => {
    expect(filesIn(folder)).toEqual(
      expect.arrayContaining(
        words(`
        .dockerignore .gitignore Dockerfile README.md compose.yaml package.json src/enqueue.ts src/handlers.ts
        src/jobs.ts src/worker.ts test/jobs.test.ts tsconfig.json
      `),
      ),
    );
    expect(filesIn(folder)).not.toContain('gitignore');
  });

  test('has files that parse', async () => {
    for (const path of filesIn(folder)) {
      const parsed = Promise.try(() => parsers[extname(path)]?.(read(path), path));
      await expect(parsed, path).resolves.not.toThrow();
    }
  });

  test('asks for our packages of this version, and has the name of its folder', () => {
    const { name, dependencies, devDependencies } = JSON.parse(read('package.json'));
    expect(name).toBe('my-shop');
    const ours = Object.entries({ ...dependencies, ...devDependencies }).filter(([one]) => one.startsWith('@ojs-ts/'));
    expect(Object.fromEntries(ours)).toEqual({ '@ojs-ts/cli': `^${version}`, '@ojs-ts/sdk': `^${version}` });
  });

  test('names only files and scripts that it has', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const all = ['package.json', 'README.md', 'Dockerfile', ...filesIn(folder).filter((one) => one.endsWith('.yaml'))];
    const text = all.map(read).join('\n');
    const paths = [...text.matchAll(/\b(?:src|test)\/[\w/.-]+\.tsx?\b/g)].map(([path]) => path);
    expect(paths.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    );
    // npm writes its lock file at the first installation.
    const missing = copied.filter((path) => path !== 'package-lock.json' && !existsSync(join(folder, path)));
    expect(missing).toEqual([]);
    const called = [...text.matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)/g)].map(([, run, own]) => run ?? own ?? '');
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('runs the services of its compose files on one server, published for this machine only', () => {
    const files = filesIn(folder).filter((path) => path.startsWith('compose.'));
    const services = Object.assign({}, ...files.map((path) => parse(read(path), { merge: true }).services));
    expect(Object.keys(services).toSorted()).toEqual([...(template === 'plain' ? [] : ['app']), 'ojs', 'worker']);
    for (const [name, { environment, ports = [] }] of Object.entries<{
      readonly environment: Readonly<Record<string, string>>;
      readonly ports?: readonly string[];
    }>(services)) {
      if (name !== 'ojs') expect(environment.OJS_BACKEND_URL).toBe('http://ojs:8080');
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
  });
});

test('init writes a project and says what to do next', async () => {
  using ojs = new Ojs();
  const folder = join(ojs.home, 'shop');
  expect(await ojs.run('init', folder, '--template', 'fastify')).toEqual({
    code: 0,
    output: `Wrote ${filesIn(folder).length} files of the template fastify to ${folder}.\n\nNext:\n  cd ${folder}\n  npm install\n  npm run dev\n`,
    errors: '',
  });
  expect(filesIn(folder)).toContain('src/app.ts');
});

test('init keeps a folder that is not empty, unless it is forced', async () => {
  using ojs = new Ojs();
  const folder = join(ojs.home, 'shop');
  mkdirSync(join(folder, '.git'), { recursive: true });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'package.json']) writeFileSync(join(folder, name), 'mine');
  expect(await ojs.run('init', folder)).toEqual({
    code: 2,
    output: '',
    errors: `ojs init: ${folder} is not empty: it has a, b, c, d, e and 2 more. Name another folder, or overwrite files with --force.\n`,
  });
  expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe('mine');
  expect(await ojs.run('init', folder, '--force')).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name).toBe('shop');
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('mine');
});

test('a folder that does not exist or has a repository only is empty; a file is no folder', async () => {
  const folder = emptyFolder();
  expect(await contentOf(join(folder, 'none'))).toEqual([]);
  mkdirSync(join(folder, '.git'));
  expect(await contentOf(folder)).toEqual([]);
  writeFileSync(join(folder, 'file'), '');
  await expect(contentOf(join(folder, 'file'))).rejects.toThrow('is a file');
});

test('init names the template that was probably meant', async () => {
  using ojs = new Ojs();
  const { code, errors } = await ojs.run('init', join(ojs.home, 'shop'), '--template', 'fastfy');
  expect(code).toBe(2);
  expect(errors).toContain('Expected one of plain, fastify, next. Did you mean fastify?');
  expect(existsSync(join(ojs.home, 'shop'))).toBe(false);
});

test('on a terminal init asks for what was not given', async () => {
  using ojs = new Ojs();
  const [shop, bank] = [join(ojs.home, 'shop'), join(ojs.home, 'bank')];
  expect(await ojs.onTerminal(`${shop}\r`, 'init', '--template', 'plain')).toMatchObject({ code: 0 });
  expect(filesIn(shop)).not.toContain('src/app.ts');
  expect(await ojs.onTerminal('\u001b[B\r', 'init', bank)).toMatchObject({ code: 0 });
  expect(filesIn(bank)).toContain('src/app.ts');
  const stopped = await ojs.onTerminal('\u0003', 'init', join(ojs.home, 'none'));
  expect(stopped.code).toBe(130);
  expect(stopped.output).toContain('Nothing was written.');
});

test.each([
  ['/srv/Jobs of Ada', 'jobs-of-ada'],
  ['./shop/', 'shop'],
  ['.', basename(process.cwd()).toLowerCase()],
  ['_private', 'private'],
  ['.hidden', 'hidden'],
  ['日本', 'ojs-app'],
  ['a'.repeat(300), 'a'.repeat(214)],
])('the package of %s is %s', (folder, name) => {
  expect(packageName(folder)).toBe(name);
});
