// `npm run pack` builds the packages and leaves them in `packed`, as npm would download them. In an empty project
// `npm i ../ojs-ts/packed/ojs-ts-*.tgz` installs them. `npm run pack -- FOLDER` names another folder.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** All that a release publishes, a package after those that it needs. */
export const allPackages = ['core', 'dashboard', 'docs', 'server', 'sdk', 'cli', 'create'];

/** Those that can be packed: the documentation only if its pages are built, which takes tools of its own. */
export function publishedPackages(): string[] {
  return allPackages.filter((name) => name !== 'docs' || existsSync(join(root, 'packages/docs/public/pages.json')));
}

/** Builds the packages and packs them into a folder. Returns the path of each tarball, by the name of its folder. */
export async function pack(into: string): Promise<Record<string, string>> {
  await run(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
  await mkdir(into, { recursive: true });
  const tarballs: Record<string, string> = {};
  for (const name of publishedPackages()) {
    const args = ['pack', join(root, 'packages', name, 'dist'), '--pack-destination', into, '--silent'];
    const { stdout } = await run(npm, args, { cwd: into });
    tarballs[name] = join(into, stdout.trim());
  }
  return tarballs;
}

if (import.meta.main) {
  const into = resolve(process.argv[2] ?? join(root, 'packed'));
  // A tarball of an earlier version would be installed as well.
  if (process.argv[2] === undefined) await rm(into, { recursive: true, force: true });
  const tarballs = Object.values(await pack(into));
  console.log(
    `${tarballs.map((path) => `  ${path}`).join('\n')}\n\nIn your project: npm i ${join(into, 'ojs-ts-*.tgz')}`,
  );
}
