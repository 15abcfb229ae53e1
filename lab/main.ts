// The laboratory: `npm run lab`. Each step is a process of its own; what has passed on this commit is not run again, so a
// run that was cut goes on. Prints a table, and fails if a step failed. `npm run lab -- simulation` runs the steps whose
// name has one of the words.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Result {
  readonly passed: boolean;
  readonly minutes: number;
  /** What the step printed last. */
  readonly said: string;
}

const root = join(import.meta.dirname, '..');
const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const node = (program: string, ...args: readonly string[]) => [process.execPath, join(root, program), ...args];
const vitest = (...args: readonly string[]) => node('node_modules/vitest/vitest.mjs', 'run', ...args);

function stepsOf(): readonly Step[] {
  const files = globSync('{lab,conformance}/**/*.lab.ts', { cwd: root, exclude: ['**/node_modules/**'] }).toSorted();
  const simulate = (storage: string, seeds: number) => ({
    name: `simulation, ${seeds} seeds, ${storage}`,
    command: node('lab/simulation/src/main.ts', '--storage', storage, '--seeds', `${seeds}`, '--quiet'),
  });
  return [
    simulate('memory:', 1_000),
    simulate('sqlite:', 100),
    ...files.map((file) => ({
      name: file
        .replace(/^lab\//, '')
        .replace('/test/', '/')
        .replace('.lab.ts', ''),
      command: vitest('--project', 'lab*', file),
    })),
    ...['sqlite', 'postgres', 'redis'].map((storage) => ({
      name: `chaos, 10 minutes, ${storage}`,
      command: node('lab/chaos/src/main.ts', '--storage', storage, '--minutes', '10'),
    })),
  ];
}

function run({ command: [program = '', ...args] }: Step): Promise<Result> {
  const begun = performance.now();
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let end = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      end = (end + chunk).slice(-4_000);
    });
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const lines = stripVTControlCharacters(end)
        .split('\n')
        .flatMap((line) => line.trim() || []);
      const said = lines.findLast((line) => /\d/.test(line) && !/^(?:Start at|Duration|JSON)/.test(line)) ?? '';
      resolve({ passed: code === 0, minutes: (performance.now() - begun) / 60_000, said: said.slice(0, 100) });
    });
  });
}

const words = process.argv.slice(2);
const folder = join(root, '.tmp/lab');
const file = join(folder, `${git('rev-parse', '--short=8', 'HEAD')}.json`);
const results: Record<string, Result> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const steps = stepsOf().filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
for (const step of steps) {
  if (results[step.name]?.passed === true) continue;
  console.log(`\n# ${step.name}`);
  results[step.name] = await run(step);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}

console.log(`\n| step | result | minutes | last line |\n| --- | --- | --: | --- |`);
for (const { name } of steps) {
  const { passed, minutes, said } = results[name] ?? { passed: false, minutes: 0, said: '' };
  console.log(
    `| ${name} | ${passed ? 'passed' : '**failed**'} | ${minutes.toFixed(1)} | ${said.replaceAll('|', '\\|')} |`,
  );
}
const failed = steps.filter(({ name }) => results[name]?.passed !== true);
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;
