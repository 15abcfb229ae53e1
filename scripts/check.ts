// Types and lint, at once: `npm run check`. What is wrong is printed whole, what is right not at all.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..');
/** The compiler keeps what it found, and looks next time only at what a change reaches. */
const types = (project: string, kept: string) => [
  'tsc',
  '-p',
  project,
  '--pretty',
  '--incremental',
  '--tsBuildInfoFile',
  `node_modules/.cache/${kept}.tsbuildinfo`,
];
const checks = [
  types('tsconfig.json', 'house'),
  types('packages/dashboard/app', 'pages'),
  ['biome', 'check', '.', '--colors=force'],
  ['node', 'scripts/lua.ts'],
];

async function run([program = '', ...args]: readonly string[]): Promise<boolean> {
  const colorless = process.stdout.isTTY ? args : args.filter((word) => !['--pretty', '--colors=force'].includes(word));
  const child = spawn(join(root, 'node_modules/.bin', program), colorless, { cwd: root });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) console.error(`${program} ${args[0]} ${args[1]}\n${output}${errors}`);
  return code === 0;
}

const passed = await Promise.all(checks.map(run));
process.exitCode = passed.every(Boolean) ? 0 : 1;
