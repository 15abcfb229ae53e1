import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../../../../scripts/pack.ts';

/** The tarballs by package, or why there are none. */
export type PackedAnswer = { readonly tarballs: Readonly<Record<string, string>> } | { readonly error: string };

/**
 * Builds and packs the packages. Once for a run: a second build at the same time would remove the files of the first.
 */
export async function packPackages(cleanup: AsyncDisposableStack): Promise<PackedAnswer> {
  try {
    const into = await mkdtemp(join(tmpdir(), 'ojs-packed-'));
    cleanup.defer(() => rm(into, { recursive: true, force: true }));
    return { tarballs: await pack(into) };
  } catch (error) {
    return { error: `The packages could not be packed: ${error instanceof Error ? error.message : error}` };
  }
}
