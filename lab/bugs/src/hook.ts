/**
 * `node --import lab/bugs/src/hook.ts PROGRAM` with OJS_BUG=cases/no-fence runs a program with that bug in the modules of
 * `packages`: no file is touched. A program that cannot be started so imports `plantBug` before any of these modules.
 */
import { registerHooks } from 'node:module';
import { variable } from './environment.ts';
import { declaring } from './names.ts';

/** Lets every export be replaced that is loaded from now on. */
export function watchExports(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.startsWith('file:') || !loaded.source) return loaded;
      const { source } = loaded;
      const declared = declaring(url, typeof source === 'string' ? source : new TextDecoder().decode(source));
      return declared === null ? loaded : { ...loaded, source: declared };
    },
  });
}

/** Plants the bug, given as `TABLE/NAME`. */
export async function plantBug(bug: string): Promise<void> {
  watchExports();
  const { findBug } = await import('./index.ts');
  (await findBug(bug))()();
}

const bug = process.env[variable];
if (bug !== undefined) await plantBug(bug);
