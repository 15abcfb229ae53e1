import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'examples/testing');
// Nothing listens there: a test that reached for a server would fail.
const { NODE_OPTIONS: _, VITEST: __, ...rest } = process.env;
const env = { ...rest, OJS_BACKEND_URL: 'http://127.0.0.1:9' };

test('the guides show every program of examples/testing verbatim', () => {
  const pages = ['testing', 'test-modes'].map((name) => readFileSync(join(root, `docs/guides/${name}.md`), 'utf8'));
  const page = pages.join('\n');
  const programs = globSync('*.ts', { cwd: folder }).filter((name) => name !== 'vitest.config.ts');
  expect(programs).toHaveLength(7);
  for (const name of programs) expect(page).toContain(`\`\`\`ts\n${readFileSync(join(folder, name), 'utf8')}\`\`\``);
});

test('the tests of the guide pass under vitest', async () => {
  const cli = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [cli, 'run', '--config', join(folder, 'vitest.config.ts'), '--reporter=tap-flat'];
  const { stdout } = await run(process.execPath, args, { cwd: folder, env });
  expect(stdout.match(/^ok /gm)).toHaveLength(5);
  expect(stdout).not.toMatch(/^not ok/m);
});

test('the tests of the guide pass under node:test', async () => {
  const files = globSync('*.node.ts', { cwd: folder }).map((name) => join(folder, name));
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', ...files], { cwd: folder, env });
  expect(stdout).toMatch(/^# pass 8$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
