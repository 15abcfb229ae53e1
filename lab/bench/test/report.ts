import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A test that starts a dozen processes, one after the other, while others do the same. */
export const busyMs = 600_000;

/** Runs a benchmark in a process of its own and reads its JSON document. */
export async function report<Report>(entry: string, ...args: readonly string[]): Promise<Report> {
  const file = fileURLToPath(new URL(`../src/${entry}`, import.meta.url));
  const { stdout } = await run(process.execPath, [file, '--json', ...args]);
  return JSON.parse(stdout);
}
