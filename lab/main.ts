// The laboratory: `npm run lab`. Each step is a process of its own, two at a time; what measures time is alone. What has
// passed on this commit is not run again, so a run that was cut goes on. Prints a table, and fails if a step failed. `npm run lab -- simulation` runs the steps whose
// name has one of the words.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Instance } from '../packages/server/test/support/instance.ts';
import { startPostgres } from '../packages/server/test/support/postgres.ts';
import { startRedis } from '../packages/server/test/support/redis.ts';
import { alone } from './alone.ts';

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** A server for the step, whose URL is its `--storage`. */
  readonly start?: () => Promise<Instance>;
}

/** Steps that run beside each other. */
interface Phase {
  readonly lanes: number;
  readonly steps: readonly Step[];
}

interface Result {
  readonly passed: boolean;
  readonly minutes: number;
  /** What the step printed last. */
  readonly said: string;
}

const root = join(import.meta.dirname, '..');
const simulation = 'lab/simulation/src/main.ts';
const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const node = (program: string, ...args: readonly string[]) => [process.execPath, join(root, program), ...args];
const vitest = (...args: readonly string[]) => node('node_modules/vitest/vitest.mjs', 'run', ...args);

function phasesOf(): readonly Phase[] {
  const files = globSync('{lab,conformance}/**/*.lab.ts', { cwd: root, exclude: ['**/node_modules/**'] }).toSorted();
  const isAlone = (file: string) => alone.some((pattern) => matchesGlob(file, pattern));
  const simulate = (storage: string, seeds: number, ...rest: readonly string[]) => ({
    name: `simulation, ${seeds} seeds, ${storage}`,
    command: node(simulation, '--seeds', `${seeds}`, '--chaos-ms', '20000', '--quiet', ...rest),
  });
  return [
    {
      lanes: 2,
      steps: [
        { ...simulate('postgres', 100), start: startPostgres },
        { ...simulate('redis', 100), start: startRedis },
        simulate('memory', 1_000, '--storage', 'memory:'),
        simulate('sqlite', 100, '--storage', 'sqlite:'),
        ...files.filter((file) => !isAlone(file)).map(testOf),
      ],
    },
    // They wait for their failures most of the time.
    { lanes: 3, steps: ['sqlite', 'postgres', 'redis'].map(chaosOn) },
    { lanes: 1, steps: [...files.filter(isAlone).map(testOf), ...['sqlite', 'postgres', 'redis'].map(growthOn)] },
  ];
}

function testOf(file: string): Step {
  const name = file
    .replace(/^lab\//, '')
    .replace('/test/', '/')
    .replace('.lab.ts', '');
  return { name, command: vitest('--project', 'lab*', file) };
}

function chaosOn(storage: string): Step {
  const name = `chaos, 10 minutes, ${storage}`;
  return { name, command: node('lab/chaos/src/main.ts', '--storage', storage, '--minutes', '10') };
}

function growthOn(storage: string): Step {
  return { name: `growth, ${storage}`, command: node('lab/bench/main.ts', 'growth', '--storage', storage) };
}

/** Prints what the step prints when it has ended: others run beside it. */
async function run({ name, command, start }: Step): Promise<Result> {
  const begun = performance.now();
  await using store = await start?.();
  const [program = '', ...args] = [...command, ...(store ? ['--storage', store.url] : [])];
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  const output = Buffer.concat(chunks).toString();
  console.log(`\n# ${name}\n${output}`);
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .flatMap((line) => line.trim() || []);
  const said = lines.findLast((line) => /\d/.test(line) && !/^(?:Start at|Duration|JSON)/.test(line)) ?? '';
  return { passed: code === 0, minutes: (performance.now() - begun) / 60_000, said: said.slice(0, 100) };
}

const words = process.argv.slice(2);
const folder = join(root, '.tmp/lab');
const file = join(folder, `${git('rev-parse', '--short=8', 'HEAD')}.json`);
const results: Record<string, Result> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const isChosen = ({ name }: Step) => words.length === 0 || words.some((word) => name.includes(word));
const phases = phasesOf().map(({ lanes, steps }) => ({ lanes, steps: steps.filter(isChosen) }));
for (const { lanes, steps } of phases) {
  const left = steps.filter(({ name }) => results[name]?.passed !== true);
  const lane = async () => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) {
      console.log(`begun: ${step.name}`);
      results[step.name] = await run(step);
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const steps = phases.flatMap((phase) => phase.steps);
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
