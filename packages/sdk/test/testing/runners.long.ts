// The recipes of docs/guides/testing.md under the runners themselves; under Jest, which has to be installed first, in
// packed.long.ts.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const folder = join(import.meta.dirname, 'runners');
const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;

test('vitest: hooks, aroundEach and bodies in concurrent tests', async () => {
  const cli = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const { stdout } = await run(
    process.execPath,
    [cli, 'run', '--config', join(folder, 'vitest.config.ts'), '--reporter=tap-flat'],
    { cwd: folder, env },
  );
  expect(stdout.match(/^ok /gm)).toHaveLength(10);
  expect(stdout).not.toMatch(/^not ok/m);
});

test('node:test: hooks, bodies and using in concurrent tests', async () => {
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', join(folder, 'recipes.node.ts')], {
    cwd: folder,
    env,
  });
  expect(stdout).toMatch(/^# pass 10$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
