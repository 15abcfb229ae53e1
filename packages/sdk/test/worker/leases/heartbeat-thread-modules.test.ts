import { expect, test } from 'vitest';
import { run } from '../../support/process.ts';

test('the thread loads what a connection needs, and not all of core: each worker process pays for it', async () => {
  await using program = run('loaded-modules.ts');
  await program.says('done');
  const core = program.lines.filter((line) => line.includes('/packages/core/src/'));
  expect(core.filter((url) => url.endsWith('/core/src/index.ts'))).toHaveLength(1);
  expect(core.filter((url) => /\/(?:job|lifecycle|workflow)\//.test(url))).toEqual([]);
  // The rows of operations are six of them.
  expect(core.length).toBeLessThan(26);
});
