import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { Client } from '@ojs-ts/sdk';
import { describe, expect, test } from 'vitest';
import { Child } from './support/processes.ts';

const root = resolve(import.meta.dirname, '../../..');
const main = resolve(import.meta.dirname, '../src/main.ts');

/** A folder of a user's with a worker. */
class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'ojs-dev-'));

  constructor(files: Readonly<Record<string, string>>) {
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    this.write('package.json', '{"type": "module"}');
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string): void {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  dev(...args: readonly string[]): Child {
    return new Child(main, ['dev', ...args], { NO_COLOR: '1' }, this.folder);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function urlOf(child: Child): Promise<string> {
  return (await child.line(/ is up in /)).replace(/.*(http:\S+)\/dashboard\/.*/, '$1');
}

/** The process of the worker, which prints `pid N`. */
async function pidOf(child: Child): Promise<number> {
  return Number((await child.line(/pid \d/)).replace(/.*pid /, ''));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const gone = (pid: number) => expect.poll(() => isAlive(pid), { interval: 20 }).toBe(false);

/** Starts itself; its job ends when a file `go` appears, whatever its signal says. */
const stubborn = `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';
console.log('pid', process.pid);
const worker = new Worker();
worker.register('hold', async () => {
  console.log('began');
  while (!existsSync('go')) await pause(10);
});
await worker.start();
`;

/** A worker that says in which folder it ran, and a program that enqueues a job for it. */
const own = {
  'worker.ts': `
import { Worker } from '@ojs-ts/sdk';
export const worker = new Worker({ url: undefined });
worker.register('where', async () => process.cwd());
`,
  'src/ask.ts': `
import { Client } from '@ojs-ts/sdk';
await using client = new Client({ url: undefined, requestRetry: false });
const job = await client.enqueue('where', []).catch((error) => console.log('refused', error.message));
if (job) console.log('ran in', await job.wait());
`,
};

describe('two projects on one machine', () => {
  const free = { OJS_BACKEND_URL: '', OJS_PORT: '', NODE_ENV: '' };
  const run = (project: Project, script: string, ...args: readonly string[]) =>
    new Child(script, args, { ...free, NO_COLOR: '1', XDG_CONFIG_HOME: project.folder }, project.folder);

  test('each program and command reaches the ojs dev of its own folder, and nothing once that has ended', async () => {
    using one = new Project(own);
    using two = new Project(own);
    // At once: both look for a free port.
    await using first = run(one, main, 'dev', 'worker.ts');
    await using second = run(two, main, 'dev', 'worker.ts');
    const urls = await Promise.all([urlOf(first), urlOf(second)]);
    expect(urls[0]).not.toBe(urls[1]);
    for (const project of [one, two]) {
      await using asked = run(project, join(project.folder, 'src/ask.ts'));
      expect(await asked.line(/ran in|refused/)).toBe(`ran in ${realpathSync(project.folder)}`);
    }
    await using listed = run(two, main, 'jobs', 'list', '--ndjson');
    expect(JSON.parse(await listed.line(/./))).toMatchObject({ type: 'where' });
    expect(statSync(join(two.folder, '.ojs')).mode & 0o777).toBe(0o700);

    await second.end('SIGTERM');
    await using late = run(two, join(two.folder, 'src/ask.ts'));
    expect(await late.line(/ran in|refused/)).toMatch(/refused .*ojs dev does not run in \S+\. Start it there/);
    await first.end('SIGKILL');
    await using stale = run(one, main, 'jobs', 'list');
    await once(stale.process, 'exit');
    expect([stale.process.exitCode, stale.errors.join('\n')]).toEqual([
      5,
      expect.stringMatching(
        /ojs dev does not run in \S+: the process that wrote \.ojs\/url has ended\. Start it there/,
      ),
    ]);
    await using again = run(one, main, 'dev', 'worker.ts', '--port', '0');
    await urlOf(again);
    await using asked = run(one, join(one.folder, 'src/ask.ts'));
    expect(await asked.line(/ran in|refused/)).toBe(`ran in ${realpathSync(one.folder)}`);
  });

  test('a second ojs dev in a folder leaves its programs with the first', async () => {
    using project = new Project(own);
    await using first = run(project, main, 'dev', '--port', '0');
    const url = await urlOf(first);
    await using second = run(project, main, 'dev', '--port', '0');
    await urlOf(second);
    const file = join(project.folder, '.ojs/url');
    expect(readFileSync(file, 'utf8')).toBe(`${url}\n${first.process.pid}\n`);
    await second.end('SIGTERM');
    expect(existsSync(file)).toBe(true);
    await first.end('SIGTERM');
    expect(existsSync(file)).toBe(false);
  });
});

describe('ojs dev', () => {
  test('a change lets the running job end, and the next job runs in a new process', async () => {
    using project = new Project({
      'tsconfig.json': '{"compilerOptions": {"experimentalDecorators": true, "paths": {"@app/*": ["./src/*"]}}}',
      'src/version.ts': 'export const version: number = 1;',
      'src/worker.ts': `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { version } from '@app/version';
import { type JobContext, Worker } from '@ojs-ts/sdk';

enum Mood { Calm = 'calm' }
const injected: string[] = [];
const Injectable = (name: string) => (_target: object) => void injected.push(name);
const Inject = () => (_target: object, _key: string | undefined, index: number) => void injected.push(String(index));

@Injectable('greeter')
class Greeter {
  constructor(@Inject() private readonly mood: Mood) {}
  greet() {
    return [this.mood, ...injected, version, process.pid];
  }
}

// A pool of connections that nobody closes.
setInterval(() => {}, 60_000);
export const worker = new Worker({ url: undefined, concurrency: 1 });
worker.register('greet', async (_: JobContext) => {
  console.log('began');
  while (!existsSync('go')) await pause(10);
  return new Greeter(Mood.Calm).greet();
});
`,
    });
    await using child = project.dev('src/worker.ts', '--port', '0');
    await using client = new Client(await urlOf(child));
    const first = await client.enqueue('greet', []);
    await child.line(/worker │ began/);
    project.write('src/version.ts', 'export const version: number = 2;');
    await child.line(/src\/version\.ts changed: worker\.ts restarts once its running jobs have ended/);
    project.write('src/version.ts', 'export const version: number = 3;');
    const second = await client.enqueue('greet', []);
    project.write('go', '');
    const before = await first.wait();
    expect(before).toEqual(['calm', '0', 'greeter', 1, expect.any(Number)]);
    const after = await second.wait();
    expect(after).toEqual(['calm', '0', 'greeter', 3, expect.any(Number)]);
    const pid = (result: unknown) => (Array.isArray(result) ? result.at(-1) : null);
    expect(pid(after)).not.toBe(pid(before));
    expect(readFileSync(join(project.folder, '.ojs/.gitignore'), 'utf8')).toBe('*\n');
    expect(existsSync(join(project.folder, '.ojs/dev.db'))).toBe(true);
    expect(await child.end('SIGTERM')).toBe(0);
    const changes = child.lines.flatMap((line) => /worker (started|stopped)/.exec(line)?.[1] ?? []);
    expect(changes).toEqual(changes.map((_, number) => (number % 2 === 0 ? 'started' : 'stopped')));
    expect(child.lines).not.toContainEqual(expect.stringMatching(/was killed/));
    expect(child.errors).toEqual([]);
  });

  test('a worker that fails waits for a change: of its text, and of a file that was missing', async () => {
    using project = new Project({ 'worker.cjs': 'const {' });
    await using child = project.dev('worker.cjs', '--port', '0', '--storage', 'memory:');
    await child.line(/SyntaxError/);
    await child.line(/worker\.cjs ended with code 1\. It starts again when a file changes/);
    const broken = child.lines.length;
    project.write('worker.cjs', "const { send } = require('./mail.cjs'); const { Worker } = require('@ojs-ts/sdk');\n");
    await child.line(/Cannot find module/, broken);
    await child.line(/ended with code 1/, broken);
    const missing = child.lines.length;
    project.write('mail.cjs', 'exports.send = () => {};');
    await child.line(/worker\.cjs ended with code 0 and started no worker\. Export a Worker/, missing);
    const alone = child.lines.length;
    project.write(
      'worker.cjs',
      `const { Worker } = require('@ojs-ts/sdk');
module.exports = new Worker();
module.exports.register('fail', () => { throw new Error('no'); });`,
    );
    await child.line(/worker\.cjs is ready in [\d.]+ s/, alone);
    await using client = new Client(await urlOf(child));
    await client.enqueue('fail', []);
    expect(await child.line(/server │ Job failed, will retry/)).toContain('job_type=fail');
    expect(await child.end('SIGINT')).toBe(0);
  });

  test('a syntax error is one line with its place; another error at the start keeps its stack', async () => {
    using project = new Project({
      'worker.ts': `
import { Worker } from '@ojs-ts/sdk';
import { name } from './src/name.ts';
import './src/plain.mjs';
export const worker = new Worker();
worker.register(name, async () => {});
`,
      'src/name.ts': "export const name: string = 'a.b';\nexport function broken( {",
      'src/plain.mjs': 'export const a = 1;\nconst { = 2;\n',
    });
    await using child = project.dev('worker.ts', '--port', '0', '--storage', 'memory:');
    await child.line(/ended with code 1/);
    const said = child.lines.filter((line) => line.startsWith('worker'));
    expect(said).toEqual([expect.stringMatching(/^worker │ src\/name\.ts:2: SyntaxError: Expected \S+/)]);

    const plain = child.lines.length;
    project.write('src/name.ts', "export const name: string = 'a.b';");
    await child.line(/ended with code 1/, plain);
    const saidNow = child.lines.slice(plain).filter((line) => line.startsWith('worker'));
    expect(saidNow).toEqual(["worker │ src/plain.mjs:2: SyntaxError: Unexpected token '='"]);

    const other = child.lines.length;
    project.write('src/plain.mjs', "JSON.parse('{');");
    await child.line(/^worker │ +at .*src\/plain\.mjs:1/, other);
  });

  test('the first line says which store it is, and what is in it', async () => {
    using project = new Project({});
    await using first = project.dev('--port', '0');
    await using client = new Client(await urlOf(first));
    expect(first.lines[0]).toBe('ojs    │ new store sqlite:./.ojs/dev.db');
    await client.enqueue('a.b', []);
    await client.enqueue('a.b', [], { queue: 'other' });
    await first.end('SIGTERM');
    await using second = project.dev('--port', '0');
    await urlOf(second);
    expect(second.lines[0]).toBe('ojs    │ store sqlite:./.ojs/dev.db with 2 jobs');
  });

  test('a job that does not end in time is killed with its worker', async () => {
    using project = new Project({ 'worker.mjs': stubborn });
    await using child = project.dev('worker.mjs', '--port', '0', '--storage', 'memory:', '--drain', '100ms');
    await using client = new Client(await urlOf(child));
    await client.enqueue('hold', []);
    await child.line(/began/);
    expect(await child.end('SIGTERM')).toBe(0);
    expect(child.lines).toContainEqual(expect.stringMatching(/worker\.mjs was killed: its jobs did not end in time/));
    await gone(await pidOf(child));
  });

  test.each([
    [
      'a second signal',
      async (child: Child) => {
        child.signal('SIGINT');
        await child.line(/Stopping once running jobs have ended/);
        expect(await child.end('SIGINT')).toBe(130);
      },
    ],
    ['the sudden death of the command', (child: Child) => child.end('SIGKILL')],
  ] as const)('%s leaves no worker', async (_, end) => {
    using project = new Project({ 'worker.mjs': stubborn });
    await using child = project.dev('worker.mjs', '--port', '0', '--storage', 'memory:');
    await using client = new Client(await urlOf(child));
    await client.enqueue('hold', []);
    await child.line(/began/);
    await end(child);
    await gone(await pidOf(child));
  });

  test('without a worker there is a hint, and a usual port in use is no error', async () => {
    using project = new Project({});
    // Whoever else uses the port does as well.
    const taken = createServer().listen(8_080, '127.0.0.1');
    await Promise.race([once(taken, 'listening'), once(taken, 'error')]).catch(() => {});
    await using child = project.dev('--storage', 'memory:');
    const url = await urlOf(child);
    expect(new URL(url).port).not.toBe('8080');
    await child.line(new RegExp(`OJS_BACKEND_URL=${url}`));
    await child.line(/Then run: ojs dev worker\.ts/);
    expect((await fetch(`${url}/ojs/v1/health`)).status).toBe(200);
    await using refused = project.dev('--storage', 'memory:', '--port', new URL(url).port);
    const [code] = await once(refused.process, 'close');
    expect([code, ...refused.errors]).toEqual([
      1,
      expect.stringMatching(
        /Port \d+ is taken: an OJS server \(ojs-ts \S+, store memory\) answers at http:\S+\. .*--port/,
      ),
    ]);
    await using wrong = project.dev('package.jsn');
    const [wrongCode] = await once(wrong.process, 'close');
    expect([wrongCode, ...wrong.errors]).toEqual([2, expect.stringMatching(/no file .* Did you mean package\.json\?/)]);
    taken.close();
  });

  test('keys open the dashboard, restart the worker and quit; the terminal is as it was', async () => {
    using project = new Project({
      'worker.mjs': "import { Worker } from '@ojs-ts/sdk';\nexport default new Worker();\n",
      'bin/xdg-open': '#!/bin/sh\necho "$1" > opened\n',
    });
    chmodSync(join(project.folder, 'bin/xdg-open'), 0o755);
    const command = `stty -g > before; '${process.execPath}' '${main}' dev worker.mjs --port 0; echo ended $?; stty -g > after`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: project.folder,
      env: {
        HOME: project.folder,
        TERM: 'xterm',
        PATH: [join(project.folder, 'bin'), process.env.PATH].join(delimiter),
      },
    });
    const closed = once(terminal, 'close');
    let output = '';
    terminal.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
    const shown = (pattern: RegExp) => expect.poll(() => output, { interval: 20 }).toMatch(pattern);
    await shown(/is ready in/);
    expect(output).toContain('\u001b[35mworker │\u001b[39m');
    terminal.stdin.write('ho');
    await shown(/r {2}restart the worker/);
    await expect
      .poll(() => existsSync(join(project.folder, 'opened')) && readFileSync(join(project.folder, 'opened'), 'utf8'))
      .toMatch(/^http:\/\/127\.0\.0\.1:\d+\/dashboard\/\n$/);
    terminal.stdin.write('r');
    await shown(/is ready in[\s\S]*r: worker\.mjs restarts[\s\S]*is ready in/);
    terminal.stdin.write('q');
    await shown(/Stopping[\s\S]*ended 0/);
    await closed;
    const settings = (name: string) => readFileSync(join(project.folder, name), 'utf8');
    expect(settings('after')).toBe(settings('before'));
  });
});
