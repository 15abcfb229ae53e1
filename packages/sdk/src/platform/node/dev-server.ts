import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NoDevServer } from '../../transport/found.ts';
import { readBaseUrl } from '../../transport/http.ts';

/** `ojs dev` writes the URL of its server into this file, and the id of its process. */
const file = '.ojs/url';
/**
 * How long an answer holds, in milliseconds: `ojs dev` may start after its clients, and start again on another port.
 */
const freshMs = 1_000;

let last: { readonly at: number; readonly cwd: string; readonly url: URL | NoDevServer | null } | undefined;

/**
 * The server of `ojs dev` in the working folder; null in production, and where no `ojs dev` has run.
 * @throws {NoDevServer} where one has run, and does not run now: the usual port may be that of another project.
 */
export function devServer(): URL | null {
  if (process.env.NODE_ENV === 'production') return null;
  const [at, cwd] = [performance.now(), process.cwd()];
  if (last === undefined || at - last.at >= freshMs || last.cwd !== cwd) last = { at, cwd, url: look(cwd) };
  if (last.url instanceof NoDevServer) throw last.url;
  return last.url;
}

function look(cwd: string): URL | NoDevServer | null {
  const folder = projectOf(cwd);
  if (!existsSync(join(folder, '.ojs'))) return null;
  const [url, pid] = read(join(folder, file));
  if (url === undefined) return new NoDevServer(folder, null);
  return isAlive(Number(pid)) ? readBaseUrl(url, file) : new NoDevServer(folder, file);
}

/** The folder of the nearest package.json. A folder `.ojs` further up would belong to another project. */
function projectOf(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.ojs')) || existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}

function read(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process of another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
