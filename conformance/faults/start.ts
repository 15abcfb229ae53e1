import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { storages, type TestStorage } from '../../packages/server/test/support/storages.ts';
import type { Fault } from './fault.ts';

export interface FaultyServer extends AsyncDisposable {
  readonly url: string;
}

/** Where the fault shows: a fault of a storage only on that one. Null where this machine does not have it. */
export function storageOf(fault: Fault): TestStorage | null {
  const name = /\/lua\//.test(fault.file)
    ? 'redis'
    : (/\/(?:storage|sql)\/(sqlite|postgres|redis)\//.exec(fault.file)?.[1] ?? 'memory');
  return storages.find((storage) => storage.name === name) ?? null;
}

/**
 * Starts a server in a process of its own, with the fault or with none. Throws with its error output where it does not
 * come up.
 */
export async function startWithFault(fault: Fault | null): Promise<FaultyServer> {
  const name = fault?.name ?? null;
  const storage = fault === null ? 'memory:' : storageOf(fault)?.url();
  if (storage === undefined) throw new Error(`the fault ${name} is in a storage that this machine does not have`);
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const { OJS_FAULT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', path('hook.ts'), path('server.ts'), storage], {
    env: name === null ? env : { ...env, OJS_FAULT: name },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const url = await Promise.race([firstLine(child), once(child, 'exit').then(() => null)]);
  if (url === null) throw new Error(`the server with fault ${name ?? '(none)'} did not start:\n${errors.join('')}`);
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string | null> {
  if (child.stdout === null) return null;
  for await (const line of createInterface({ input: child.stdout })) return line;
  return null;
}
