import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { plainEnvironment, profileFlags } from './child.ts';

const sources = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));

export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** A channel to a preloaded module is open where there is one. */
  readonly process: ChildProcess;
}

export interface ServerOptions {
  readonly cpuProfile?: string | undefined;
  /** `OJS_*` variables that this benchmark is about. */
  readonly env?: Readonly<Record<string, string>>;
  /** A module that is loaded before the server, with a channel to this process and `gc()`. */
  readonly preload?: string;
  /** The program `ojs` of built packages; default the sources. */
  readonly cli?: string;
}

/**
 * `ojs serve` in a process of its own, on a free port: exactly its defaults but for the store and what the options say.
 */
export async function startServer(
  storage: string,
  { cpuProfile, env = {}, preload, cli = sources }: ServerOptions = {},
): Promise<Server> {
  const flags = [...profileFlags(cpuProfile), ...(preload === undefined ? [] : ['--expose-gc', '--import', preload])];
  const child = spawn(process.execPath, [...flags, cli, 'serve', '--storage', storage, '--port', '0'], {
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : (['ipc'] as const))],
  });
  const { stdout, stderr, pid } = child;
  if (stdout === null || stderr === null || pid === undefined) throw new Error('ojs serve could not be started');
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const exited = once(child, 'exit');
  let log = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4_000);
  });
  const listening = new Promise<string>((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const url = /listening on (\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const failed = exited.then(() => {
    throw new Error(`ojs serve ended at once:\n${log}`);
  });
  const url = await Promise.race([listening, failed]);
  failed.catch(() => {});
  return {
    url,
    pid,
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      process.off('exit', stop);
    },
  };
}
