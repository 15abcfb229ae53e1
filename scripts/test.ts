// `npm test` checks types and lint and runs the quick tests. `npm test -- FILE`, or any other words for vitest, runs
// those tests at once.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);

function run(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (words.length === 0) run('scripts/check.ts');
run('node_modules/vitest/vitest.mjs', 'run', '--project', 'unit*', ...words);
