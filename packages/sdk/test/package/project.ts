import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import type { PackedAnswer } from '../../../server/test/support/packed.ts';

const run = promisify(execFile);
export const root = fileURLToPath(new URL('../../../../', import.meta.url));
const programs = fileURLToPath(new URL('./programs/', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/**
 * What the project gets from the registry, besides our packages: the runtimes and compilers that we claim, the oldest
 * Node 22 that `engines` allows.
 */
export const claimed = {
  'node-22': 'npm:node@22.19.0',
  bun: '1.4.5',
  deno: '2.9.6',
  'typescript-oldest': 'npm:typescript@5.6.3',
  'typescript-newest': 'npm:typescript@7.0.2',
  '@types/node': '22.20.5',
} as const;

/** An empty project somewhere else, into which the packed packages were installed, as a user would. */
export interface Project extends AsyncDisposable {
  readonly directory: string;
  /** The path of an installed program. */
  bin(name: string): string;
  /** Answers what the program printed. @throws with its output, where it fails. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

/** The tarballs of npm pack, by package; the run builds them when it is first asked. */
export async function packed(): Promise<Readonly<Record<string, string>>> {
  const answer: PackedAnswer = JSON.parse(await (await fetch(`${inject('testServers')}/packed`)).text());
  if ('error' in answer) throw new Error(answer.error);
  return answer.tarballs;
}

/**
 * An empty folder into which these were installed: dependencies of its package.json, and what npm takes by name or
 * file.
 */
export async function install(
  dependencies: Readonly<Record<string, string>>,
  files: readonly string[] = [],
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ojs-project-'));
  const programs = ['node', ...Object.keys(dependencies).filter((name) => name.startsWith('node-'))];
  const allowScripts = Object.fromEntries(programs.map((name) => [name, true]));
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module', dependencies, allowScripts }),
  );
  await run(npm, ['install', '--no-audit', '--no-fund', ...files], { cwd: directory }).catch(explain);
  return directory;
}

/** @param dependencies what it gets besides our packages. */
export async function openProject(dependencies: Readonly<Record<string, string>> = claimed): Promise<Project> {
  const directory = await install(dependencies, Object.values(await packed()));
  await cp(programs, directory, { recursive: true });
  return {
    directory,
    bin: (name) => join(directory, 'node_modules', name),
    async run(command, args, env = {}) {
      const { stdout } = await run(command, args, {
        cwd: directory,
        env: { ...process.env, ...env },
        timeout: 600_000,
      }).catch(explain);
      return stdout.trim();
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** An environment in which `node` is this one, as a machine has it that has no other. */
export function pathWith(node: string): { readonly PATH: string } {
  return { PATH: `${join(node, '..')}${delimiter}${process.env.PATH}` };
}

/** execFile puts what the program said beside its message. */
function explain(error: unknown): never {
  if (error instanceof Error && 'stdout' in error && 'stderr' in error)
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  throw error;
}
