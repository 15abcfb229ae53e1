import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Options } from './options.ts';
import { isSummary, Report } from './report.ts';

/** Shares the seeds among processes, and reports for all of them. */
export async function spread(options: Options, args: readonly string[]): Promise<number> {
  const report = new Report(options);
  const share = Math.ceil(options.seeds / options.jobs);
  const rest = args.filter((_, index) => !isGiven(args, index));
  const children = Array.from({ length: options.jobs }, async (_, index) => {
    const first = options.seed + index * share;
    const count = Math.min(share, options.seed + options.seeds - first);
    if (count <= 0) return 0;
    const given = [...rest, '--json', '--seed', String(first), '--seeds', String(count)];
    const child = spawn(process.execPath, [resolve(import.meta.dirname, 'main.ts'), ...given], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const status = new Promise<number>((end) => child.once('exit', (code) => end(code ?? 1)));
    for await (const line of createInterface({ input: child.stdout })) {
      const summary: unknown = line.startsWith('{') ? JSON.parse(line) : line;
      if (isSummary(summary)) report.add(summary);
      else console.log(line);
    }
    return status;
  });
  const worst = Math.max(...(await Promise.all(children)));
  report.end();
  return worst;
}

const own = ['--jobs', '--seed', '--seeds'];

/** Whether an argument is one that this process decides, or its value. */
function isGiven(args: readonly string[], index: number): boolean {
  const name = args[index]?.split('=')[0] ?? '';
  return own.includes(name) || own.includes(args[index - 1] ?? '');
}
