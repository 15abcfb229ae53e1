import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);
/** Below the root's `node_modules`, so that the packages find their dependencies there. */
const folder = new URL('node_modules/.ojs-built/', root);

/**
 * Copies what `npm run build` made to where the packages find each other; in the checkout itself their names lead to
 * the sources. Answers the folder: programs in it import `@ojs-ts/…` as users do.
 * @throws Error if the packages were not built.
 */
export async function builtPackages(): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  for (const name of ['core', 'dashboard', 'server', 'sdk', 'cli']) {
    const into = new URL(`node_modules/@ojs-ts/${name}/`, folder);
    await mkdir(into, { recursive: true });
    await cp(new URL(`packages/${name}/dist/`, root), into, { recursive: true }).catch((cause: unknown) => {
      throw new Error(`packages/${name}/dist is missing: run npm run build first`, { cause });
    });
  }
  return fileURLToPath(folder);
}
