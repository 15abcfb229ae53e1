import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { recordLoad } from '../src/power/recording.ts';
import { replay } from '../src/power/replay.ts';

test('losses of power show that a log is never synchronised', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-power-load-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const records = recordLoad(directory, { pieces: 50, seed: 1, bug: 'log-never-synchronised' });
  const { failed } = await replay(records, { losses: 20, seed: 1, untilFailure: true });
  expect(failed.length).toBeGreaterThan(0);
});
