import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../../..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** All that is published, a package after those that it needs. */
export const publishedPackages = ['core', 'dashboard', 'server', 'sdk', 'cli', 'create'] as const;

/** The tarballs by package, or why there are none. */
export type PackedAnswer = { readonly tarballs: Readonly<Record<string, string>> } | { readonly error: string };

/**
 * Builds and packs the packages. Once for a run: a second build at the same time would remove the files of the first.
 */
export async function packPackages(cleanup: AsyncDisposableStack): Promise<PackedAnswer> {
  try {
    const into = await mkdtemp(join(tmpdir(), 'ojs-packed-'));
    cleanup.defer(() => rm(into, { recursive: true, force: true }));
    await run(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
    const tarballs: Record<string, string> = {};
    for (const name of publishedPackages) {
      const { stdout } = await run(
        npm,
        ['pack', join(root, 'packages', name, 'dist'), '--pack-destination', into, '--silent'],
        { cwd: into },
      );
      tarballs[name] = join(into, stdout.trim());
    }
    return { tarballs };
  } catch (error) {
    return { error: `The packages could not be packed: ${error instanceof Error ? error.message : error}` };
  }
}
