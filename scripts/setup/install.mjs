import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { flawOf, hasModules, workspacesOf } from './installed.mjs';

/**
 * Installs what the lock file of `root` names. `npm ci` begins by deleting node_modules, so it works in a folder of its
 * own within `work`, which then takes the place of node_modules: a command that is killed, or an install that fails,
 * leaves what was there.
 */
export async function install(root, work, flaw) {
  if (process.platform === 'win32') return npmCi(root, flaw); // Its links to the workspaces name the folder in which npm made them.
  const stage = finished(root, work) ?? (await prepared(root, work, flaw));
  try {
    putInPlace(stage, root);
  } catch (error) {
    // node_modules is a mount, or lies in a lower layer of a container's image.
    if (error.code !== 'EBUSY' && error.code !== 'EXDEV') throw error;
    await npmCi(root, flaw);
  }
}

/** Removes what this command, and those that were killed before it, left in `work`, the lock apart. */
export function tidy(work) {
  for (const name of readdirSync(work)) {
    if (name !== 'lock') rmSync(join(work, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What an earlier command had installed when it was killed. */
function finished(root, work) {
  return readdirSync(work)
    .map((name) => join(work, name))
    .find((stage) => flawOf(stage, root) === null);
}

async function prepared(root, work, flaw) {
  const stage = mkdtempSync(join(work, 'install-'));
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(root, file), join(stage, file));
  for (const path of workspacesOf(root)) cpSync(join(root, path, 'package.json'), join(stage, path, 'package.json'));
  try {
    await npmCi(stage, flaw);
    const left = flawOf(stage, root);
    if (left !== null) throw new Error(`npm ci ended well, but ${left}.`);
    return stage;
  } catch (error) {
    rmSync(stage, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

/** The root's comes last: with it the install is whole. */
function putInPlace(stage, root) {
  for (const path of [...workspacesOf(root), '']) {
    const [made, place] = [join(stage, path, 'node_modules'), join(root, path, 'node_modules')];
    // A command that was killed has put them in place.
    if (!existsSync(made) && hasModules(root, path)) continue;
    if (existsSync(place)) renameSync(place, join(stage, path, 'replaced'));
    if (existsSync(made)) renameSync(made, place);
  }
}

async function npmCi(cwd, flaw) {
  console.error(`Installing dependencies (${flaw})…`);
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  // Yarn and pnpm name themselves there.
  const [command, ...rest] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm, ...args] : ['npm', ...args];
  const child = spawn(command, rest, {
    cwd,
    stdio: 'inherit',
    shell: command === 'npm' && process.platform === 'win32',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => child.kill(signal));
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`npm ci ended with ${signal ?? `code ${code}`}; its messages are above.`);
}
