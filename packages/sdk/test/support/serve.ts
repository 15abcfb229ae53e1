import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));

export interface Served extends AsyncDisposable {
  readonly url: string;
}

/**
 * `ojs serve` on SQLite in a process of its own: one in this process could not answer while a sync client blocks it.
 */
export async function serve(...flags: string[]): Promise<Served> {
  const home = mkdtempSync(join(tmpdir(), 'ojs-serve-'));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OJS_')));
  const args = [main, 'serve', '--storage', 'sqlite:./jobs.db', '--port', '0', '--log-level', 'warn', ...flags];
  const child = spawn(process.execPath, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const url = await Promise.race([urlOf(createInterface({ input: child.stdout })), closed.then(() => undefined)]);
  if (url === undefined) throw new Error('ojs serve ended before it listened.');
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function urlOf(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  return undefined;
}
