import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Instance, installPackage } from './instance.ts';
import { type PackedAnswer, packPackages } from './packed.ts';
import { clearPostgres, findPostgres, pingPostgres, startPostgres } from './postgres.ts';
import { clearRedis, findRedis, pingRedis, startRedis } from './redis.ts';
import type { ServerAnswer, ServerKind } from './server-url.ts';

interface Kind {
  readonly title: string;
  /** The environment variable that names a server that is there already. */
  readonly variable: string;
  readonly ping: (url: string) => Promise<void>;
  readonly find: () => string | null;
  /** The distribution's package. */
  readonly packaged: string;
  readonly start: () => Promise<Instance>;
  /** Removes the namespaces of a run from a server that outlives it. */
  readonly clear: (url: string, run: string) => Promise<void>;
}

const kinds: Readonly<Record<ServerKind, Kind>> = {
  postgres: {
    title: 'PostgreSQL',
    variable: 'OJS_TEST_POSTGRES_URL',
    ping: pingPostgres,
    find: findPostgres,
    packaged: 'postgresql',
    start: startPostgres,
    clear: clearPostgres,
  },
  redis: {
    title: 'Redis',
    variable: 'OJS_TEST_REDIS_URL',
    ping: pingRedis,
    find: findRedis,
    packaged: 'redis-server',
    start: startRedis,
    clear: clearRedis,
  },
};

/** The commit's hash, or nothing where a clone has no history. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '0';
  }
}

/** The seed of all properties: draws differ by commit, and two runs on one commit draw the same. */
function seedOf(hex: string): number {
  const seed = Number.parseInt(hex, 16);
  if (Number.isNaN(seed)) throw new Error(`OJS_TEST_SEED: expected a hexadecimal number, got ${hex}.`);
  return seed | 0;
}

/**
 * Vitest's global setup: one PostgreSQL, one Redis and one build of the packages for the whole run, each when the first
 * test file asks, and one cache of compiled modules for the processes of the tests, of which the larger part of a start
 * is reading TypeScript (700 ms of processor time without, 370 ms with it).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('seed', seedOf(process.env.OJS_TEST_SEED ?? commit()));
  const started = new AsyncDisposableStack();
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    const compiled = mkdtempSync(join(tmpdir(), 'ojs-compiled-'));
    process.env.NODE_COMPILE_CACHE = compiled;
    started.defer(() => rmSync(compiled, { recursive: true, force: true }));
  }
  const run = `ojs_test_${Date.now().toString(36)}${process.pid.toString(36)}`;
  const answers = new Map<ServerKind, Promise<ServerAnswer>>();
  let packed: Promise<PackedAnswer> | undefined;
  const listener = createServer(async ({ url = '' }, response) => {
    if (url === '/packed') {
      packed ??= packPackages(started);
      response.end(JSON.stringify(await packed));
      return;
    }
    const kind: ServerKind = url === '/postgres' ? 'postgres' : 'redis';
    const answer = answers.get(kind) ?? serverOf(kinds[kind], run, started);
    answers.set(kind, answer);
    response.end(JSON.stringify(await answer));
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('The test servers could not listen.');
  project.provide('testRun', run);
  project.provide('testServers', `http://127.0.0.1:${address.port}`);
  return async () => {
    listener.close();
    listener.closeAllConnections();
    await Promise.all([...answers.values(), packed]);
    await started.disposeAsync();
  };
}

async function serverOf(kind: Kind, run: string, started: AsyncDisposableStack): Promise<ServerAnswer> {
  const { title, variable, ping, find, packaged, start, clear } = kind;
  try {
    const given = process.env[variable];
    if (given) {
      try {
        await ping(given);
        started.defer(() => clear(given, run));
        return { url: given };
      } catch (error) {
        console.error(`${variable} cannot be reached, so the tests look for a ${title} of this machine: ${error}`);
      }
    }
    if (find() !== null || (await installPackage(packaged))) return { url: started.use(await start()).url };
    const missing = `${title} is not on this machine; install it (Debian: apt-get install ${packaged}), or set ${variable}`;
    console.error(`The tests on ${title} are skipped: ${missing}.`);
    return { missing };
  } catch (error) {
    return { error: `${title} could not be started: ${error instanceof Error ? error.message : error}` };
  }
}
