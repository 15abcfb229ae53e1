// A child process: one curve at one size. Neither the heap nor the compiled code of another point counts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Bench } from './bench.ts';
import type { Cost } from './cost.ts';
import { curveOf } from './curves.ts';

export type Point = Readonly<Record<string, Cost>>;

const run = promisify(execFile);

/** @param place where the point makes its store. */
export async function pointOf(place: string, curve: string, size: number): Promise<Point> {
  const { stdout } = await run(process.execPath, [import.meta.filename, place, curve, String(size)], {
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

if (import.meta.main) {
  const [place = '', name = '', size = ''] = process.argv.slice(2);
  const curve = await curveOf(name);
  await using bench = await Bench.open(place);
  await curve.measure(bench, Number(size));
  console.log(JSON.stringify(bench.costs));
}
