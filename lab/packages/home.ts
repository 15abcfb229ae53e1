import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Registry } from './registry.ts';

const run = promisify(execFile);

/** A folder of a new user, in which npm has an empty cache and knows one registry only. */
export class Home implements AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.env = env;
  }

  static async create(registry: Registry, env: Readonly<Record<string, string>> = {}): Promise<Home> {
    const folder = await mkdtemp(join(tmpdir(), 'ojs-home-'));
    return new Home(folder, {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      npm_config_cache: join(folder, '.npm'),
      npm_config_registry: registry.url,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      NEXT_TELEMETRY_DISABLED: '1',
      ...env,
    });
  }

  /** Writes a file by its path in the folder. */
  async write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Answers what the command printed. @throws with its output, where it fails. */
  async run(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
    try {
      return (await run(command, args, { cwd: join(this.folder, cwd), env: this.env, timeout: 600_000 })).stdout;
    } catch (error) {
      if (error instanceof Error && 'stdout' in error && 'stderr' in error)
        throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
      throw error;
    }
  }

  /** Starts a command that runs until the end of the test. */
  start(cwd: string, command: string, ...args: readonly string[]): void {
    const child = spawn(command, args, {
      cwd: join(this.folder, cwd),
      env: this.env,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#children.push(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.pid === undefined || child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The status that an address answers with; undefined where nobody answers. */
export async function statusOf(url: string): Promise<number | undefined> {
  return (await fetch(url).catch(() => null))?.status;
}

/** Seconds since now, with one digit. */
export function stopwatch(): () => number {
  const begin = performance.now();
  return () => Math.round((performance.now() - begin) / 100) / 10;
}
