import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { isSummary, type Summary } from '../simulation/src/report.ts';

const program = resolve(import.meta.dirname, '../simulation/src/main.ts');

export interface Simulated {
  readonly seeds: readonly Summary[];
  /** The last line of a process that ended before its seeds. */
  readonly crash: string | null;
}

/** Runs the simulation in a process of its own: its clocks must not reach ours. */
export async function simulate(...args: readonly string[]): Promise<Simulated> {
  const child = spawn(process.execPath, [program, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk}`.slice(-2_000);
  });
  const status = new Promise<number>((end) => child.once('close', (code) => end(code ?? -1)));
  const seeds: Summary[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const summary: unknown = line.startsWith('{') ? JSON.parse(line) : null;
    if (isSummary(summary)) seeds.push(summary);
  }
  const code = await status;
  if (code === 2) throw new Error(`The simulation refuses ${args.join(' ')}: ${errors}`);
  const hasFailed = seeds.some(({ problems }) => problems.length > 0);
  return { seeds, crash: code === 0 || hasFailed ? null : (errors.trim().split('\n').at(-1) ?? `exit ${code}`) };
}
