import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** The PostgreSQL versions of package.json; none on a machine that its packages are not made for. */
export const postgresVersions: readonly string[] = isLinuxX64() ? ['13', '15', '18'] : [];

/** A folder with `bin`, `lib` and `share` of that version. Installs all of them at the first call. */
export function installationOf(version: string): string {
  const wanted = read('package-lock.json');
  if (read('node_modules/.installed') !== wanted) {
    console.error('Installing other versions of PostgreSQL (once)…');
    const npm = process.env.npm_execpath;
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
    const [command, rest] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
    const { status } = spawnSync(command, rest, { cwd: folder, stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`npm ci failed in ${folder}; the messages above say why`);
    writeFileSync(`${folder}node_modules/.installed`, wanted ?? '');
  }
  return `${folder}node_modules/postgres-${version}/native`;
}

function isLinuxX64(): boolean {
  if (process.platform === 'linux' && process.arch === 'x64') return true;
  const missing = `There are no packages of other PostgreSQL versions for ${process.platform}-${process.arch}, only for linux-x64`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`${missing}; the tests on them are skipped.`);
  return false;
}

function read(file: string): string | null {
  try {
    return readFileSync(folder + file, 'utf8');
  } catch {
    return null;
  }
}
