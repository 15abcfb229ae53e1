import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const devFolder = '.ojs';
const file = join(devFolder, 'url');

/** The folder of `ojs dev` in a project, which its repository does not keep. */
export function makeDevFolder(project = '.'): void {
  const folder = join(project, devFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, '.gitignore'), '*\n');
}

/**
 * Writes the server's URL to a file: clients in this folder without a URL read it (`devServer` of the SDK), so that
 * they never reach the server of another project. The first `ojs dev` of a folder keeps the file: its server has the
 * same store as the others. Returns what removes it.
 */
export function writeUrlFile(url: string): () => void {
  makeDevFolder();
  const own = `${url}\n${process.pid}\n`;
  if (!isOfLiving(read())) {
    // A client never reads half of it.
    const partial = `${file}.${process.pid}`;
    writeFileSync(partial, own);
    renameSync(partial, file);
  }
  return () => {
    if (read() === own) rmSync(file, { force: true });
  };
}

function read(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isOfLiving(text: string): boolean {
  const pid = Number(text.split('\n')[1]);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
