import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export interface Ended {
  readonly status: number;
  readonly output: string;
}

/** Runs the simulation in a process of its own: its clocks must not reach the tests'. */
export async function simulate(...args: readonly string[]): Promise<Ended> {
  const program = resolve(import.meta.dirname, '../src/main.ts');
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const status = await new Promise<number>((end) => {
    child.once('close', (code) => end(code ?? 1));
  });
  return { status, output: chunks.join('') };
}
