// What somebody meets who has Node, npm and the packed packages, and nothing else.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { install, openProject, type Project, packed, pathWith, root } from '../../packages/sdk/test/package/project.ts';
import { publishedPackages } from '../../scripts/pack.ts';

const run = promisify(execFile);
let project: Project;
let runtimes: string;
let oldest: string;
let tooOld: string;

beforeAll(async () => {
  // Beside the project: npx would run the commands of the project with a Node that is installed in it.
  runtimes = await install({ 'node-22': 'npm:node@22.19.0', 'node-20': 'npm:node@20.20.2' });
  project = await openProject({});
  oldest = join(runtimes, 'node_modules/node-22/bin/node');
  tooOld = join(runtimes, 'node_modules/node-20/bin/node');
}, 900_000);
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
  if (runtimes) await rm(runtimes, { recursive: true, force: true });
});

const dist = (name: string) => join(root, 'packages', name, 'dist');
const manifestOf = async (name: string) => JSON.parse(await readFile(join(dist(name), 'package.json'), 'utf8'));

/** Every name that the packages can be imported by. */
async function entries(names: readonly string[] = publishedPackages()): Promise<string[]> {
  const manifests = await Promise.all(names.map(manifestOf));
  return manifests.flatMap(({ name, exports = {} }) =>
    Object.keys(exports)
      .filter((entry) => !entry.endsWith('.json'))
      .map((entry) => `${name}${entry.slice(1)}`),
  );
}

/**
 * Runs a command until the returned function ends it and what it started; resolves with the first match of what it
 * prints.
 */
async function started(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv, wanted: RegExp) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = wanted.exec(output);
      if (found !== null) resolve(found[1] ?? found[0]);
    });
  }
  exited.then(() => reject(new Error(`${command} ${args.join(' ')} ended: ${output}`)));
  const found = await promise;
  return { found, stop: () => stopped(child, exited) };
}

async function stopped(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  process.kill(-child.pid, 'SIGTERM');
  await exited;
}

const listening = /ojs is listening on (http:\S+)/;

/** The same program for CommonJS, which has neither `import` nor `await` at the top. */
function asCommonJs(text: string): string {
  const [imports = '', ...rest] = text.split('\n\n');
  const required = imports.replaceAll(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = require($2);');
  const body = rest.join('\n\n').replaceAll(/^export const (\w+) = /gm, 'exports.$1 = ');
  return `${required}\n\n(async () => {\n${body}})();\n`;
}

describe('the README on the oldest Node that is claimed', () => {
  test.each([
    ['module', 'mts', (text: string) => text],
    ['CommonJS', 'cts', asCommonJs],
  ])('server by npx, worker, producer and embedded engine, as %s', async (_, extension, form) => {
    const env = pathWith(oldest);
    for (const name of ['jobs', 'producer', 'worker', 'embedded']) {
      const text = await readFile(join(root, 'examples/first-job', `${name}.ts`), 'utf8');
      const renamed = form(text).replace('./jobs.ts', `./jobs.${extension}`);
      await writeFile(join(project.directory, `${name}.${extension}`), renamed);
    }
    const server = await started(
      'npx',
      ['ojs', 'serve', '--port', '0', '--storage', `sqlite:./${extension}.db`],
      project.directory,
      env,
      listening,
    );
    const backend = { ...env, OJS_BACKEND_URL: server.found };
    const worker = spawn(oldest, [`worker.${extension}`], {
      cwd: project.directory,
      env: { ...process.env, ...backend },
      stdio: 'inherit',
    });
    const exited = once(worker, 'exit');
    try {
      expect(await project.run(oldest, [`producer.${extension}`], backend)).toMatch(
        /^Enqueued: [0-9a-f-]{36}\n\{ sent: true \}$/,
      );
    } finally {
      worker.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      await server.stop();
    }
    expect(await project.run(oldest, [`embedded.${extension}`])).toBe('{ sent: true }');
  });

  test('every program prints its help, and ojs its version', async () => {
    const programs = (await Promise.all(publishedPackages().map(manifestOf))).flatMap(({ bin = {} }) =>
      Object.keys(bin),
    );
    expect(programs).toEqual(['ojs', 'create-ojs-ts']);
    expect(await project.run('npx', ['ojs', '--version'], pathWith(oldest))).toBe((await manifestOf('cli')).version);
    expect(await project.run('npx', ['ojs', 'serve', '--help'], pathWith(oldest))).toContain('--storage <url>');
    expect(await project.run('npx', ['create-ojs-ts', '--help'], pathWith(oldest))).toContain('--template <name>');
  });

  test('no warning comes with the command or with an embedded store, on SQLite and on others', async () => {
    const options = { cwd: project.directory, env: { ...process.env, ...pathWith(oldest) } };
    expect(await run('npx', ['ojs', '--version'], options)).toMatchObject({ stderr: '' });
    for (const storage of ['memory:', 'sqlite:./quiet.db']) {
      const program = `
        import { openEmbedded } from '@ojs-ts/server';
        const transport = await openEmbedded('${storage}');
        console.log('open');
        await transport[Symbol.asyncDispose]();`;
      await writeFile(join(project.directory, 'quiet.mjs'), program);
      expect(await run(oldest, ['quiet.mjs'], options)).toEqual({ stdout: 'open\n', stderr: '' });
    }
    // A warning of anything else is still shown.
    await writeFile(join(project.directory, 'loud.mjs'), "import '@ojs-ts/server';\nprocess.emitWarning('mine');\n");
    expect((await run(oldest, ['loud.mjs'], options)).stderr).toMatch(/Warning: mine/);
  });

  test('every entry can be imported and required', async () => {
    const names = await entries();
    expect(names).toEqual(
      expect.arrayContaining([
        '@ojs-ts/core',
        '@ojs-ts/core/operations',
        '@ojs-ts/sdk/testing',
        '@ojs-ts/server',
        '@ojs-ts/dashboard',
        '@ojs-ts/dashboard/express',
      ]),
    );
    const said: [string, string, string][] = JSON.parse(await project.run(oldest, ['imports.mjs', ...names]));
    expect(said).toHaveLength(2 * names.length);
    expect(said.filter(([, , word]) => word !== 'ok')).toEqual([]);
  });

  test('the server by npx, without an installation', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'ojs-npx-'));
    try {
      const packages = Object.values(await packed()).map((file) => `--package=${file}`);
      const args = ['--yes', ...packages, 'ojs', 'serve', '--port', '0'];
      const server = await started('npx', args, empty, pathWith(oldest), listening);
      expect((await fetch(`${server.found}/ojs/v1/health`)).status).toBe(200);
      await server.stop();
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });
});

describe('the first job of the guide, in an empty folder', () => {
  const blocks = (page: string, language: string) =>
    [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

  test('its commands, its tsconfig.json and its programs, after the `npm init` of npm 11', async () => {
    const page = await readFile(join(root, 'docs/start/first-job.md'), 'utf8');
    const [commands = '', serve = ''] = blocks(page, 'bash');
    const [config = ''] = blocks(page, 'json');
    const [jobs = '', worker = '', producer = ''] = blocks(page, 'ts');

    const folder = await mkdtemp(join(tmpdir(), 'ojs-first-job-'));
    const inFolder = { cwd: folder, env: { ...process.env, ...pathWith(oldest) } };
    const files = Object.values(await packed()).join(' ');
    try {
      const [init = '', ...rest] = commands.trim().split('\n');
      await run('sh', ['-c', init], inFolder);
      await run('npm', ['pkg', 'set', 'type=commonjs'], inFolder);
      for (const line of rest) await run('sh', ['-c', line.replace('../ojs-ts/packed/ojs-ts-*.tgz', files)], inFolder);
      await writeFile(join(folder, 'tsconfig.json'), config);
      await writeFile(join(folder, 'jobs.ts'), jobs);
      await writeFile(join(folder, 'worker.ts'), worker);
      await writeFile(join(folder, 'producer.ts'), producer);
      await writeFile(
        join(folder, 'embedded.ts'),
        await readFile(join(root, 'examples/first-job/embedded.ts'), 'utf8'),
      );
      const checked = await run('npx', ['tsc'], inFolder).catch((error: { stdout: string }) => error);
      expect(checked.stdout).toBe('');

      const command = serve.trim().replace('--port 8080', '--port 0').split(' ');
      const server = await started(command[0] ?? '', command.slice(1), folder, inFolder.env, listening);
      const backend = { ...inFolder, env: { ...inFolder.env, OJS_BACKEND_URL: server.found } };
      const working = spawn('node', ['worker.ts'], { ...backend, stdio: 'inherit' });
      const exited = once(working, 'exit');
      try {
        expect((await run('node', ['producer.ts'], backend)).stdout).toContain('{ sent: true }');
      } finally {
        working.kill('SIGTERM');
        expect(await exited).toEqual([0, null]);
        await server.stop();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('on Node 20', () => {
  const sentence = () =>
    `The @ojs-ts packages need Node.js 22.19 or later, but this is Node.js 20.20.2 (${tooOld}): install a newer one from https://nodejs.org.`;

  test('every entry fails with one sentence, as a module and as CommonJS', async () => {
    const names = await entries(['core', 'sdk', 'server']);
    const said: [string, string, string][] = JSON.parse(await project.run(tooOld, ['imports.mjs', ...names]));
    // The command asks this entry for the sentence.
    const refused = said.filter(([name]) => name !== '@ojs-ts/core/node-version');
    expect(refused).toHaveLength(2 * (names.length - 1));
    expect(refused.filter(([, , word]) => word !== sentence())).toEqual([]);
  });

  test.each(['sdk', 'server'])(
    'a program that imports the %s ends with the sentence and with no other error',
    async (name) => {
      await writeFile(
        join(project.directory, 'old.mjs'),
        `import * as all from '@ojs-ts/${name}';\nconsole.log(all);\n`,
      );
      await writeFile(
        join(project.directory, 'old.cjs'),
        `const all = require('@ojs-ts/${name}');\nconsole.log(all);\n`,
      );
      for (const file of ['old.mjs', 'old.cjs']) {
        // Node 20 cannot require an ES module, the server's form.
        if (name === 'server' && file === 'old.cjs') continue;
        const failed: { code: number; stdout: string; stderr: string } = await run(tooOld, [file], {
          cwd: project.directory,
        }).then(
          () => Promise.reject(new Error('it was not refused')),
          (error) => error,
        );
        expect([failed.code, failed.stdout]).toEqual([1, '']);
        expect(failed.stderr.match(/^\w*Error: .*$/gm)).toEqual([`Error: ${sentence()}`]);
      }
    },
  );

  test('the command prints that sentence only and exits with 2', async () => {
    const failed = run('npx', ['ojs', 'serve'], {
      cwd: project.directory,
      env: { ...process.env, ...pathWith(tooOld) },
    });
    await expect(failed).rejects.toMatchObject({ code: 2, stdout: '', stderr: `ojs: ${sentence()}\n` });
  });
});

describe('what a registry shows', () => {
  test.each(publishedPackages())('%s: where it comes from, what it is for, and what it runs on', async (name) => {
    const manifest = await manifestOf(name);
    const home = 'https://github.com/ojs-ts/ojs-ts';
    expect(manifest).toMatchObject({
      repository: { type: 'git', url: `git+${home}.git`, directory: `packages/${name}` },
      homepage: `${home}/tree/main/packages/${name}#readme`,
      bugs: { url: `${home}/issues` },
      license: 'Apache-2.0',
      keywords: expect.arrayContaining(['openjobspec', 'job-queue']),
      publishConfig: { access: 'public' },
      engines: { node: '^22.19.0 || >=23.4.0' },
    });
    expect(manifest.private).toBeUndefined();
    expect(manifest.devDependencies).toBeUndefined();
    const ours = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(([dependency]) =>
      dependency.startsWith('@ojs-ts/'),
    );
    expect(ours.filter(([, range]) => range !== `^${manifest.version}`)).toEqual([]);
    expect(Object.values<string>(manifest.peerDependencies ?? {}).filter((range) => !range.startsWith('^'))).toEqual(
      [],
    );
  });

  test.each(publishedPackages())(
    '%s: a README of its own, whose links work outside of the repository',
    async (name) => {
      const readme = await readFile(join(dist(name), 'README.md'), 'utf8');
      expect(readme.split('\n', 1)).toEqual([`# ${(await manifestOf(name)).name}`]);
      const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
      expect(links.filter((link) => !/^(https:|#)/.test(link))).toEqual([]);
    },
  );

  test.each(publishedPackages())('%s: npm would publish it without a correction', async (name) => {
    const { stderr } = await run('npm', ['publish', '--dry-run', '--loglevel=warn'], { cwd: dist(name) });
    const warnings = stderr.split('\n').filter((line) => /^npm warn/i.test(line));
    expect(warnings.filter((line) => !line.includes('requires you to be logged in'))).toEqual([]);
  });
});
