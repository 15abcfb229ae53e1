import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('cases.ts', import.meta.url));

/** By bug, ids of its cases that passed with it, on a storage. Bugs that end the process are left out. */
export async function passedWith(bugs: readonly string[], storage = 'memory:'): Promise<ReadonlyMap<string, string[]>> {
  const child = spawn(process.execPath, [program, storage], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {}).end(`${bugs.join('\n')}\n`);
  const passed = new Map<string, string[]>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [bug, ...cases] = line.split(' ');
    if (bug !== undefined) passed.set(bug, cases);
  }
  return passed;
}

/** The storage that a bug is made for: its name begins with it, and memory is not named. */
export function storageOf(bug: string): string {
  return /^(?:sqlite|postgres|redis)(?=-)/.exec(bug)?.[0] ?? 'memory';
}
