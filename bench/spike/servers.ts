/** A private PostgreSQL and a private Redis on free ports, with their data in a temporary directory. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly version: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** The directory with initdb and pg_ctl: on the PATH, or where Debian keeps one for each version (the newest wins). */
async function postgresDirectory(): Promise<string | null> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newest = versions
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)[0];
  if (newest !== undefined) return join(root, String(newest), 'bin');
  return (await has('initdb')) ? '' : null;
}

async function has(command: string): Promise<boolean> {
  return run(command, ['--version']).then(
    () => true,
    () => false,
  );
}

export async function install(): Promise<void> {
  const missing = [
    ...((await postgresDirectory()) === null ? ['postgresql'] : []),
    ...((await has('redis-server')) ? [] : ['redis-server']),
  ];
  if (missing.length === 0) return;
  if (!isRoot || !(await has('apt-get')))
    throw new Error(`not found: ${missing.join(', ')}; install them first (apt-get install ${missing.join(' ')})`);
  await run('apt-get', ['update']);
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** PostgreSQL refuses to run as root, so root runs it as the user that its package made. */
function asPostgres(command: string, args: readonly string[]): Promise<{ readonly stdout: string }> {
  return isRoot ? run('runuser', ['-u', 'postgres', '--', command, ...args], { cwd: '/' }) : run(command, args);
}

export async function startPostgres(): Promise<Server> {
  const bin = await postgresDirectory();
  if (bin === null) throw new Error('PostgreSQL is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'ojs-spike-pg-'));
  if (isRoot) {
    const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
    await chown(directory, await id('-u'), await id('-g'));
  }
  const data = join(directory, 'data');
  const port = await freePort();
  await asPostgres(join(bin, 'initdb'), ['-D', data, '-U', 'spike', '-A', 'trust', '-E', 'UTF8', '--no-locale']);
  const options = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c shared_buffers=256MB -c max_wal_size=4GB -c deadlock_timeout=200ms`;
  await asPostgres(join(bin, 'pg_ctl'), ['-D', data, '-w', '-l', join(directory, 'log'), '-o', options, 'start']);
  const { stdout } = await asPostgres(join(bin, 'postgres'), ['--version']);
  return {
    port,
    version: stdout.trim(),
    async [Symbol.asyncDispose]() {
      await asPostgres(join(bin, 'pg_ctl'), ['-D', data, '-w', '-m', 'fast', 'stop']);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function startRedis(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'ojs-spike-redis-'));
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
  ];
  const child: ChildProcess = spawn('redis-server', args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  // A command waits in the client until the server listens.
  const probe = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null }).on('error', () => {});
  const info = await Promise.race([probe.info('server'), exited.then(() => null), delay(10_000, null, { ref: false })]);
  probe.disconnect();
  if (info === null) {
    child.kill('SIGTERM');
    throw new Error('redis-server did not start');
  }
  return {
    port,
    version: `redis ${/redis_version:(\S+)/.exec(info)?.[1]}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
