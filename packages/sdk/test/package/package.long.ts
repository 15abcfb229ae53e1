import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import vm from 'node:vm';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, type Sizes, split } from './bundle.ts';
import { openProject, type Project, packed, root } from './project.ts';

let project: Project;
let server: RunningServer;

beforeAll(async () => {
  [project, server] = await Promise.all([openProject(), startServer({ storage: 'memory:', port: 0, log: false })]);
}, 900_000);
afterAll(async () => {
  await server?.close();
  await project?.[Symbol.asyncDispose]();
});

const node = process.execPath;
const bin = (name: string) => project.bin(name);

async function manifestOf(name: string) {
  return JSON.parse(await readFile(join(project.directory, 'node_modules', name, 'package.json'), 'utf8'));
}

describe('the packed packages in an empty project', () => {
  test('the SDK needs core and undici, core needs nothing', async () => {
    expect(Object.keys((await manifestOf('@ojs-ts/sdk')).dependencies)).toEqual(['@ojs-ts/core', 'undici']);
    expect((await manifestOf('@ojs-ts/core')).dependencies).toEqual({});
    expect(await manifestOf('@ojs-ts/sdk')).toMatchObject({ sideEffects: false, type: 'module' });
  });

  test.each(['core', 'sdk', 'dashboard', 'server', 'cli', 'create'])('publint finds nothing in %s', async (name) => {
    const { publint } = await import('publint');
    const { messages } = await publint({ pkgDir: join(root, 'packages', name, 'dist'), strict: true });
    // The tests of new projects belong to the command.
    const isTemplate = (path: string) => path.startsWith('/templates/');
    const wrong = messages.filter((one) => one.code !== 'USE_FILES' || !one.args.internalFilePaths.every(isTemplate));
    expect(wrong).toEqual([]);
  });

  test.each([
    // The oldest way to look modules up knows no subpath exports; TypeScript keeps it for projects of before 2022.
    ['core', ['--profile', 'node16']],
    ['sdk', ['--profile', 'node16']],
    ['dashboard', ['--profile', 'esm-only']],
    ['server', ['--profile', 'esm-only']],
  ] as const)('arethetypeswrong finds nothing in %s', async (name, more) => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    await project.run(node, [attw, (await packed())[name] ?? '', ...more]);
  });

  test('every entry loads as a module and as CommonJS, with the same exports', async () => {
    const { exports } = await manifestOf('@ojs-ts/sdk');
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
    const names = entries.map((entry) => `@ojs-ts/sdk${entry.slice(1)}`);
    const program = `
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      for (const name of ${JSON.stringify(names)}) {
        const [module, common] = [Object.keys(await import(name)), Object.keys(require(name))];
        if (module.length === 0 || module.sort().join() !== common.sort().join()) throw new Error(name + ': ' + module + ' | ' + common);
      }
      console.log('same');`;
    await writeFile(join(project.directory, 'entries.mjs'), program);
    expect(await project.run(node, ['entries.mjs'])).toBe('same');
  });

  test('module and CommonJS in one process know each other’s errors', async () => {
    const said = JSON.parse(await project.run(node, ['both.mjs']));
    expect(said).toEqual({
      copies: true,
      known: true,
      names: ['OJSValidationError', 'OJSValidationError'],
      same: true,
    });
  });

  test('the packed server runs embedded on SQLite', async () => {
    expect(await project.run(node, ['embedded.mjs'])).toBe('available');
  });

  test('the dashboard needs core', async () => {
    expect(Object.keys((await manifestOf('@ojs-ts/dashboard')).dependencies)).toEqual(['@ojs-ts/core']);
  });

  test('the packed server has its pages', async () => {
    const answers = JSON.parse(await project.run(node, ['pages.mjs']));
    expect(new Set(Object.values(answers))).toEqual(new Set([200]));
    expect(answers).toMatchObject({
      '/dashboard/icon.svg': 200,
      '/dashboard/assets/index.js': 200,
      '/dashboard/assets/index.css': 200,
    });
  });
});

describe('a job there and back over HTTP', () => {
  const runtimes: readonly (readonly [string, () => readonly [string, ...string[]]])[] = [
    ['Node 24', () => [node]],
    ['Node 22', () => [bin('node-22/bin/node')]],
    ['Bun', () => [bin('.bin/bun')]],
    ['Deno', () => [bin('.bin/deno'), 'run', '--allow-all', '--node-modules-dir=manual']],
  ];
  for (const [name, command] of runtimes) {
    test.each([
      ['roundtrip.mjs', 'module'],
      ['roundtrip.cjs', 'commonjs'],
    ])(`${name}, %s`, async (program, word) => {
      const [file, ...args] = command();
      const env = { OJS_BACKEND_URL: server.url, QUEUE: `${name.toLowerCase().replace(' ', '-')}-${word}` };
      expect(JSON.parse(await project.run(file, [...args, program], env))).toEqual({ word });
    });

    test.each([
      ['sync.mjs', 'module'],
      ['sync.cjs', 'commonjs'],
    ])(`${name}, %s`, async (program, word) => {
      const [file, ...args] = command();
      const env = { OJS_BACKEND_URL: server.url, QUEUE: `${name.toLowerCase().replace(' ', '-')}-sync` };
      expect(JSON.parse(await project.run(file, [...args, program], env))).toEqual({ args: [word], code: 'not_found' });
    });
  }

  test('a sandbox that has fetch and no Node, from one bundled file', async () => {
    const entry = join(project.directory, 'sandbox.mjs');
    await writeFile(entry, "export { Client } from '@ojs-ts/sdk';\n");
    const web = {
      fetch,
      AbortController,
      AbortSignal,
      URL,
      URLSearchParams,
      TextEncoder,
      TextDecoder,
      crypto,
      performance,
      setTimeout,
      clearTimeout,
      console,
    };
    const result = vm.runInNewContext(
      `${await bundle(entry)};
      (async () => {
        const client = new bundled.Client(${JSON.stringify(server.url)});
        const { id } = await client.enqueue('package.echo', ['sandbox'], { queue: 'sandbox' });
        const { args } = await client.getJob(id);
        await client.close();
        return JSON.stringify(args);
      })()`,
      web,
    );
    expect(await result).toBe('["sandbox"]');
  });
});

describe('types of the packed package', () => {
  test.each(['typescript-oldest', 'typescript-newest'])('%s, strict, with skipLibCheck off', async (name) => {
    await project.run(node, [bin(`${name}/bin/tsc`), '-p', 'tsconfig.json']);
  });

  test.each(['typescript-oldest', 'typescript-newest'])(
    '%s, without @types/node and with the lib of its target',
    async (name) => {
      await project.run(node, [bin(`${name}/bin/tsc`), '-p', 'tsconfig.plain.json']);
    },
  );
});

describe('a program that imports the client only, bundled for the web', () => {
  let sizes: Sizes;
  const chunks = () => join(project.directory, 'chunks');
  beforeAll(async () => {
    const entry = join(project.directory, 'client-only.mjs');
    await writeFile(entry, "export { Client } from '@ojs-ts/sdk';\n");
    sizes = await split(entry, chunks());
    console.log(`client: ${sizes.initial} bytes gzipped, ${sizes.all} with workflows, events and waiting`);
  }, 60_000);

  test('a client takes less than 34 KB gzipped, and less than 46 KB with workflows, events and waiting', () => {
    expect(sizes.initial).toBeLessThan(34_000);
    expect(sizes.all).toBeLessThan(46_000);
  });

  test('chunks load with their first use', async () => {
    const said = await project.run(node, ['chunks.mjs'], { OJS_BACKEND_URL: server.url, QUEUE: 'chunks' });
    expect(JSON.parse(said)).toEqual({
      several: 3,
      batched: 'scheduled',
      // Their own names, which a minifier takes from classes.
      refused: 'JobNotFoundError: not_found',
      invalid: 'OJSValidationError: args[0]: bigint is no JSON value; send it as a string',
      steps: 2,
      meta: { by: 'middleware' },
      name: 'nightly',
      event: 'job.cancelled',
      ended: 'cancelled',
      cancelled: 1,
    });
  });

  test('without further chunks a client enqueues, registers crons and reads queues; other methods reject with an OJSError', async () => {
    for (const file of await readdir(chunks())) {
      if (!['client-only.js', 'initial.js'].includes(file)) await rm(join(chunks(), file));
    }
    const said = JSON.parse(
      await project.run(node, ['chunks.mjs', 'offline'], { OJS_BACKEND_URL: server.url, QUEUE: 'offline' }),
    );
    expect(said).toEqual({
      several: 3,
      away: expect.stringMatching(/^OJSConnectionError: job\.enqueue: fetch failed/),
      refused: 'OJSValidationError: args[0]: bigint is no JSON value; send it as a string',
      cron: 'offline',
      queues: true,
      workflow: expect.stringMatching(/^OJSError: The code of this method could not be loaded/),
      waited: expect.stringMatching(/^OJSError: The code of this method could not be loaded/),
      events: expect.stringMatching(/^OJSError: The code of this method could not be loaded/),
    });
  });
});
