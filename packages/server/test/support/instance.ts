import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A database server of the tests' own, with its data in a temporary directory. Disposing of it removes both. */
export interface Instance extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  /** SIGKILL to every process of the server. */
  kill(): Promise<void>;
  /** Starts the killed server again on the same data and port; resolves when it answers. */
  restart(): Promise<void>;
  /** SIGSTOP to every process of the server: its sockets stay open, and nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

export interface Program {
  readonly name: string;
  /** A folder of programs to take along as `programs`, because root's own files are not for another user. */
  readonly programs?: string;
  /** A shell command that prepares the directory before the first start. */
  readonly prepare?: (directory: string) => string;
  readonly command: (directory: string, port: number) => readonly string[];
  /** The signal that ends it at once and in order. */
  readonly stop: 'TERM' | 'QUIT';
  readonly url: (port: number) => string;
  /** Resolves where the server answers, rejects otherwise. */
  readonly ping: (url: string) => Promise<void>;
  /** The user to run it as where the tests run as root. */
  readonly user?: string;
}

/**
 * Keeps one server in its working directory and obeys the words on its input. When the input ends, because the test
 * ended it or because the test's process is gone in whatever way, it stops the server and removes the directory.
 * Killing takes the server's children along: PostgreSQL puts each into a session of its own, and a restart is refused
 * while one of them is alive.
 */
const keeper = `
eval "$PREPARE" >log 2>&1 || echo failed
while read -r word; do
  case $word in
    start) "$@" </dev/null >>log 2>&1 & server=$! ;;
    kill)
      children=$(cat /proc/$server/task/*/children 2>/dev/null)
      kill -9 $server $children
      wait $server
      server=
      for child in $children; do while [ -e /proc/$child/exe ]; do sleep 0.01; done; done ;;
    freeze)
      kill -STOP $server
      frozen=$(cat /proc/$server/task/*/children 2>/dev/null)
      kill -STOP $server $frozen ;;
    thaw) kill -CONT $frozen $server ;;
  esac
  echo "$word"
done
if [ "$server" ]; then kill -CONT $frozen $server; kill -s "$STOP" $server; wait $server; fi
rm -rf "$PWD"
`;

/** Starts a server on a free port. Throws with its log where it does not answer within 100 s. */
export async function startInstance({
  name,
  programs,
  prepare,
  command,
  stop,
  url: urlOf,
  ping,
  user,
}: Program): Promise<Instance> {
  const directory = await mkdtemp(join(tmpdir(), `ojs-${name}-`));
  const port = await freePort();
  const url = urlOf(port);
  const runAs = user === undefined ? {} : identity(user);
  if (programs !== undefined)
    await cp(programs, join(directory, 'programs'), { recursive: true, verbatimSymlinks: true });
  if (runAs.uid !== undefined) await run('chown', ['-R', `${runAs.uid}:${runAs.gid}`, directory]);
  const [program = '', ...args] = command(directory, port);
  const child = spawn('/bin/sh', ['-c', keeper, 'sh', program, ...args], {
    cwd: directory,
    // A group of its own: an interrupt at the terminal reaches the test only, which then ends the keeper.
    detached: true,
    env: { ...process.env, LC_ALL: 'C', PREPARE: prepare?.(directory) ?? ':', STOP: stop },
    stdio: ['pipe', 'pipe', 'ignore'],
    ...runAs,
  });
  const gone = once(child, 'exit');
  child.stdin.on('error', () => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function obey(word: string): Promise<void> {
    child.stdin.write(`${word}\n`);
    const { value } = await answers.next();
    if (value !== word) throw new Error(`${name} could not ${word}: ${await log()}`);
  }
  function log(): Promise<string> {
    return readFile(join(directory, 'log'), 'utf8').catch(String);
  }
  async function start(): Promise<void> {
    await obey('start');
    const until = performance.now() + 100_000;
    for (;;) {
      try {
        return await ping(url);
      } catch (error) {
        if (performance.now() > until)
          throw new Error(`${name} does not answer at ${url} (${error}); its log: ${await log()}`);
      }
      await pause(20);
    }
  }
  const instance: Instance = {
    url,
    port,
    directory,
    kill: () => obey('kill'),
    restart: start,
    freeze: () => obey('freeze'),
    thaw: () => obey('thaw'),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await gone;
    },
  };
  try {
    await start();
    return instance;
  } catch (error) {
    await instance[Symbol.asyncDispose]();
    throw error;
  }
}

/** The directories of the PATH, then `more`, that hold the program; the first one wins. */
export function findProgram(program: string, more: readonly string[] = []): string | null {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...more];
  return directories.find((directory) => isExecutable(join(directory, program))) ?? null;
}

let installing: Promise<unknown> = Promise.resolve();

/** Installs a package of the distribution where that is possible: as root, with apt-get, which has to run alone. */
export function installPackage(name: string): Promise<boolean> {
  const installed = installing.then(() => install(name));
  installing = installed;
  return installed;
}

async function install(name: string): Promise<boolean> {
  if (process.getuid?.() !== 0 || findProgram('apt-get') === null) return false;
  console.error(`Installing ${name} with apt-get (once)…`);
  const aptGet = (...args: readonly string[]) => {
    return run('apt-get', ['-qq', ...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  try {
    await aptGet('update');
    await aptGet('install', '-y', '--no-install-recommends', name);
    return true;
  } catch (error) {
    console.error(`apt-get could not install ${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/**
 * Below the ports that a system gives to connections and to listeners without a port (from 32768 on Linux): one of those
 * may be gone when its process comes back after a fault.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Whom root becomes for a server that refuses to run as root: the user of its package, else nobody. */
function identity(user: string): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = users.find((one) => one.startsWith(`${user}:`)) ?? users.find((one) => one.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error(`There is neither a user ${user} nor nobody to run its server as.`);
  return { uid: Number(uid), gid: Number(gid) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
