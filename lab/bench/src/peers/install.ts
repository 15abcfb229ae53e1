import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `lab/bench/peers` has a lock file of its own: an ordinary install brings none of its packages. */
export function install(): void {
  const folder = fileURLToPath(new URL('../../peers', import.meta.url));
  const lock = readFileSync(`${folder}/package-lock.json`, 'utf8');
  const installed = `${folder}/node_modules/.package-lock.json`;
  if (existsSync(installed) && versions(readFileSync(installed, 'utf8')) === versions(lock)) return;
  console.error('Installing lab/bench/peers (once)…');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [program, rest] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { status } = spawnSync(program, rest, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('npm ci failed in lab/bench/peers; the messages above say why');
}

/**
 * The lock that npm leaves behind says more of each package than the one it installed from, and leaves out those for
 * other systems; the versions of what is there must agree.
 */
function versions(lock: string): string {
  const {
    packages,
  }: { readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>> } =
    JSON.parse(lock);
  const named = Object.entries(packages).filter(([path, { optional }]) => path !== '' && optional !== true);
  return JSON.stringify(named.map(([path, { version }]) => `${path} ${version}`).toSorted());
}
