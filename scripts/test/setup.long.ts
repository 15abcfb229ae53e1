import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of the checkout in which nothing is installed. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  copyTo(folder);
  return folder;
}

function copyTo(folder: string): void {
  const left = ['node_modules', '.git', '.ojs-setup', 'dist', 'packed', 'public', 'coverage', 'results'];
  cpSync(root, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
}

interface Command {
  readonly child: ChildProcess;
  /** Its output until now. */
  readonly printed: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly errors: string }>;
}

/** npm as in a shell of a user, without what the npm that runs these tests has put into the environment. */
function npm(folder: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Command {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE|VITEST)/.test(name));
  const path = (process.env.PATH ?? '').split(':').filter((one) => !one.includes('node_modules'));
  const env = { ...Object.fromEntries(own), PATH: path.join(':'), npm_config_prefer_offline: 'true', ...more };
  const child = spawn('npm', args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => killGroup(child));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    out += more;
  });
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]);
  return { child, printed: () => out, ended: ended.then(([[code], errors]) => ({ code, out, errors })) };
}

const ojs = (folder: string, env?: Readonly<Record<string, string>>) =>
  npm(folder, ['run', 'ojs', '--', '--help'], env);

/** npm finds no package: nothing can be installed. */
const cutOff = (folder: string) => ({ npm_config_offline: 'true', npm_config_cache: join(folder, 'no-cache') });

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {} // It has ended.
}

async function works(command: Command): Promise<string> {
  const { code, out, errors } = await command.ended;
  expect(code, errors).toBe(0);
  expect(out).toContain('run the server');
  return errors;
}

const until = (seen: () => boolean) => expect.poll(seen, { timeout: 600_000, interval: 5 }).toBe(true);
const lockOf = (folder: string) => join(folder, '.ojs-setup', 'lock');
const stages = (folder: string) => {
  const work = join(folder, '.ojs-setup');
  return existsSync(work) ? readdirSync(work).filter((name) => name.startsWith('install-')) : [];
};
/** Whether npm has written this path in the folder of the last command, not in one that a killed command left. */
const isWritten = (folder: string, old: readonly string[], ...path: readonly string[]) =>
  stages(folder).some(
    (name) => !old.includes(name) && existsSync(join(folder, '.ojs-setup', name, 'node_modules', ...path)),
  );

/** Where a command is killed, by what it has made by then. */
const points: Readonly<Record<string, (folder: string, old: readonly string[]) => boolean>> = {
  'it has the lock': (folder) => existsSync(lockOf(folder)),
  'npm has begun to write packages': (folder, old) => isWritten(folder, old),
  'npm has unpacked a package': (folder, old) => isWritten(folder, old, 'typescript', 'package.json'),
  'npm runs the install script of node; only the process that holds the lock': (folder, old) =>
    isWritten(folder, old, 'node', 'node_modules'),
};

test('commands that are killed on a fresh checkout leave one on which two at once work, and one of them installs', async () => {
  const folder = checkout();
  for (const [name, reached] of Object.entries(points)) {
    const old = stages(folder);
    const { child } = ojs(folder);
    const exited = once(child, 'exit');
    await until(() => reached(folder, old) || child.exitCode !== null);
    // Its npm goes on, to the end of the test at most.
    if (name.includes('only')) process.kill(Number(readFileSync(lockOf(folder), 'utf8')), 'SIGKILL');
    else killGroup(child);
    await exited;
    expect(existsSync(join(folder, 'node_modules')), name).toBe(false);
  }
  const old = stages(folder);
  const first = ojs(folder);
  await until(() => isWritten(folder, old));
  const second = ojs(folder);
  expect(await works(first)).toContain('Installing dependencies');
  const told = await works(second);
  expect(told).toMatch(/Another command \(process \d+\) is installing the dependencies; waiting for it/);
  expect(told).not.toContain('Installing dependencies');
  expect(existsSync(join(folder, '.ojs-setup'))).toBe(false);
});

test('npm start on a fresh checkout runs its jobs and serves the dashboard', async () => {
  const begun = performance.now();
  const { child, printed } = npm(checkout(), ['start'], { OJS_PORT: '0' });
  await until(() => printed().includes('Ctrl-C') || child.exitCode !== null);
  const address = /^dashboard {3}(\S+)/m.exec(printed())?.[1] ?? 'no address';
  const page = await fetch(address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/<script [^>]*src="\.\/assets\//)]);
  console.log(`jobs and dashboard after ${Math.round((performance.now() - begun) / 1_000)} s`);
  expect(printed()).toMatch(/\d{3,} jobs done/);
});

test('an install that npm ci made is taken as it is, and nothing that fails or is killed takes it away', async () => {
  const folder = checkout();
  const modules = join(folder, 'node_modules');
  expect(await npm(folder, ['ci']).ended).toMatchObject({ code: 0 });
  const { ino } = statSync(modules);
  const isThere = () => {
    expect(statSync(modules).ino).toBe(ino);
    expect(existsSync(join(modules, 'node', 'bin', 'node'))).toBe(true);
  };
  expect(await works(ojs(folder))).not.toContain('Installing');
  isThere();

  // As after a pull that brings another lock file.
  const listed = join(modules, '.package-lock.json');
  const whole = readFileSync(listed, 'utf8');
  writeFileSync(listed, whole.replace(/("node_modules\/zod": \{\s*"version": )"[^"]+"/, '$1"0.0.1"'));
  const failed = await ojs(folder, cutOff(folder)).ended;
  expect(failed.code).not.toBe(0);
  expect(failed.errors).toContain('node_modules/zod is not the one of package-lock.json');
  expect(failed.errors).toMatch(/ojs-ts: npm ci ended with code \d+; its messages are above\./);
  isThere();
  const killed = ojs(folder);
  await until(() => isWritten(folder, []));
  killGroup(killed.child);
  await killed.ended;
  isThere();
  const replaced = await works(ojs(folder));
  expect(replaced).toContain('Installing dependencies');
  expect(statSync(modules).ino).not.toBe(ino);

  // As where a command was killed between the renames: the modules of the workspaces are in their place.
  const stage = join(folder, '.ojs-setup', 'install-killed');
  copyTo(stage);
  renameSync(modules, join(stage, 'node_modules'));
  writeFileSync(lockOf(folder), String(killed.child.pid));
  expect(await works(ojs(folder, cutOff(folder)))).toBe('');
  expect(existsSync(join(folder, '.ojs-setup'))).toBe(false);
});
