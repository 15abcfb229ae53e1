import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The first thing that keeps the install in `base` from being all that the lock file of `root` names; null where it is
 * whole. npm writes `node_modules/.package-lock.json` last, and `npm ci` removes it before any package: it tells what
 * npm finished, whoever called npm.
 */
export function flawOf(base, root = base) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const held = packagesOf(join(base, 'node_modules', '.package-lock.json'));
  if (wanted === null) return 'package-lock.json is missing';
  if (held === null) return 'node_modules is missing or was left unfinished';
  // A command that was killed may have put the modules of a workspace in place already; those of the root come last.
  const isThere = (path) =>
    existsSync(join(base, path, 'package.json')) ||
    (!path.startsWith('node_modules/') && existsSync(join(root, path, 'package.json')));
  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = held[path];
    // Optional: of another platform.
    if (found === undefined && optional) continue;
    if (found === undefined || !isThere(path)) return `${path} is missing`;
    if (found.version !== version || found.integrity !== integrity)
      return `${path} is not the one of package-lock.json`;
  }
  for (const path of Object.keys(held)) {
    if (wanted[path] === undefined && isInside(path, wanted)) return `${path} is not in package-lock.json`;
  }
  return null;
}

/** The folders of the workspaces, relative to the root. */
export function workspacesOf(root) {
  return Object.keys(packagesOf(join(root, 'package-lock.json')) ?? {}).filter(
    (path) => path !== '' && !path.includes('node_modules/'),
  );
}

/** Reports whether the lock file gives a workspace modules of its own. */
export function hasModules(root, workspace) {
  const wanted = packagesOf(join(root, 'package-lock.json')) ?? {};
  return Object.keys(wanted).some((path) => path.startsWith(`${workspace}/node_modules/`));
}

/**
 * A package beside those of the lock file (`npm install --no-save`) changes nothing for them; one inside of one of them
 * would come first there.
 */
function isInside(path, wanted) {
  const owner = path.lastIndexOf('/node_modules/');
  return owner >= 0 && wanted[path.slice(0, owner)] !== undefined;
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}
