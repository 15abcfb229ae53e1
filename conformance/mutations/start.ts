import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { locate } from './locate.ts';
import type { Mutation } from './mutation.ts';

export interface Mutant extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts a server with the mutation, or with none, in a process of its own.
 * @throws Error with the process's error output where the server does not start.
 */
export async function startMutant(mutation: Mutation | null, storage = 'memory:'): Promise<Mutant> {
  const { OJS_MUTATION: _, ...env } = process.env;
  const path = (file: string) => resolve(import.meta.dirname, file);
  const child = spawn(process.execPath, ['--import', path('hook.ts'), path('server.ts'), storage], {
    env: mutation === null ? env : { ...env, OJS_MUTATION: JSON.stringify(locate(mutation)) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const url = await Promise.race([firstLine(child), once(child, 'exit').then(() => null)]);
  if (url === null)
    throw new Error(`the server with mutation ${mutation?.name ?? '(none)'} did not start:\n${errors.join('')}`);
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
