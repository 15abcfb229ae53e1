import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';

/** A directory that goes with the test. @param finished that of its context, in a test that runs beside others. */
export function temporaryDirectory(finished: TestContext['onTestFinished'] = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-test-'));
  finished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
