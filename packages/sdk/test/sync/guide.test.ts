import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { serve } from '../support/serve.ts';

test('the guide’s program runs as it stands', async () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../../docs/guides/scripts.md'), 'utf8');
  const program = /```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  await using server = await serve();
  // Beside this test, so that it finds the package.
  const home = mkdtempSync(join(import.meta.dirname, 'guide-'));
  const file = join(home, 'program.ts');
  writeFileSync(file, program.replace("'http://localhost:8080'", JSON.stringify(server.url)));
  const { stdout } = await promisify(execFile)(process.execPath, [file]).finally(() =>
    rmSync(home, { recursive: true }),
  );
  expect(stdout).toMatch(/^Enqueued: [0-9a-f-]{36}\n$/);
});
