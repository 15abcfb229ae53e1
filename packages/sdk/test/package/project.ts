import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = fileURLToPath(new URL('../../../../', import.meta.url));
const programs = fileURLToPath(new URL('./programs/', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** What the project gets from the registry, besides our packages: the runtimes and compilers that we claim. */
export const claimed = {
  'node-22': 'npm:node@22.23.3',
  bun: '1.4.5',
  deno: '2.9.6',
  'typescript-oldest': 'npm:typescript@5.6.3',
  'typescript-newest': 'npm:typescript@7.0.2',
  '@types/node': '22.20.5',
} as const;

/** An empty project somewhere else, into which the packed packages were installed, as a user would. */
export interface Project extends AsyncDisposable {
  readonly directory: string;
  /** Answers what the program printed. @throws with its output, where it fails. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

export async function build(): Promise<void> {
  await run(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
}

/** The tarballs of npm pack, by package. */
async function pack(into: string): Promise<string[]> {
  const folders = ['core', 'sdk', 'dashboard', 'server'].map((name) => join(root, 'packages', name, 'dist'));
  for (const folder of folders) await run(npm, ['pack', folder, '--pack-destination', into], { cwd: into });
  return (await readdir(into)).filter((name) => name.endsWith('.tgz')).map((name) => join(into, name));
}

export async function openProject(): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), 'ojs-project-'));
  const tarballs = join(directory, 'tarballs');
  await mkdir(tarballs);
  const files = await pack(tarballs);
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({
      name: 'project',
      private: true,
      type: 'module',
      dependencies: claimed,
      allowScripts: { node: true, 'node-22': true },
    }),
  );
  await run(npm, ['install', '--no-audit', '--no-fund', ...files], { cwd: directory });
  await cp(programs, directory, { recursive: true });
  return {
    directory,
    async run(command, args, env = {}) {
      const { stdout } = await run(command, args, { cwd: directory, env: { ...process.env, ...env }, timeout: 120_000 }).catch(explain);
      return stdout.trim();
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** execFile puts what the program said beside its message. */
function explain(error: unknown): never {
  if (error instanceof Error && 'stdout' in error && 'stderr' in error)
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  throw error;
}
