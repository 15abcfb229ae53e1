import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Options } from './options.ts';
import { isSummary, Report } from './report.ts';

/**
 * Seeds that one process runs. What a world leaves behind holds 2.5 MB: Node keeps a combined AbortSignal with a
 * listener until it is aborted.
 */
export const seedsOfOne = 100;

/** Shares the seeds among processes, and reports for all of them. */
export async function spread(options: Options, args: readonly string[]): Promise<number> {
  const report = new Report(options);
  const share = Math.min(seedsOfOne, Math.ceil(options.seeds / options.jobs));
  const rest = args.filter((_, index) => !isGiven(args, index));
  const began = performance.now();
  const end = options.seed + options.seeds;
  let next = options.seed;
  const work = async () => {
    let worst = 0;
    while (next < end && !(options.untilFailure && report.failures > 0)) {
      const left = Math.round(options.limitMs - (performance.now() - began));
      if (left < 1) break;
      const count = Math.min(share, end - next);
      const given = ['--seed', String(next), '--seeds', String(count), '--limit-ms', String(left)];
      next += count;
      worst = Math.max(worst, await run([...rest, '--json', ...given], report));
    }
    return worst;
  };
  const worst = Math.max(...(await Promise.all(Array.from({ length: options.jobs }, work))));
  report.end();
  return worst;
}

/** Runs seeds in a process; answers its exit status. */
async function run(args: readonly string[], report: Report): Promise<number> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const status = new Promise<number>((end) => child.once('exit', (code) => end(code ?? 1)));
  for await (const line of createInterface({ input: child.stdout })) {
    const summary: unknown = line.startsWith('{') ? JSON.parse(line) : line;
    if (isSummary(summary)) report.add(summary);
    else console.log(line);
  }
  return status;
}

const own = ['--jobs', '--seed', '--seeds', '--limit-ms'];

/** Whether an argument is one that this process decides, or its value. */
function isGiven(args: readonly string[], index: number): boolean {
  const name = args[index]?.split('=')[0] ?? '';
  return own.includes(name) || own.includes(args[index - 1] ?? '');
}
