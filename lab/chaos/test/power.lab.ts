import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bugsOf } from '../../bugs/src/index.ts';
import { recordLoad } from '../src/power/recording.ts';
import { replay } from '../src/power/replay.ts';

function record(seed: number, bug: string | null = null) {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-power-load-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return recordLoad(directory, { pieces: 300, seed, bug });
}

test('400 losses of power: what was acknowledged is there, and the file is whole', async () => {
  const { failed, judged, lostBytes } = await replay(record(1), { losses: 400, seed: 1 });
  console.log(`${judged} acknowledged jobs looked for, ${Math.round(lostBytes / 1024)} KiB lost`);
  expect(failed).toEqual([]);
  expect(judged).toBeGreaterThan(20_000);
  expect(lostBytes).toBeGreaterThan(100_000);
});

test.each(Object.keys(await bugsOf('power')))('a planted bug is found: %s', async (bug) => {
  // An answer before the disk shows at one of 10 to 40 moments, where the disk is fast.
  const bounds = { losses: 400, seed: 1, untilFailure: true };
  const { failed, losses } = await replay(record(1, bug), bounds);
  console.log(`${bug}: found ${failed.length} times in ${losses} losses of power`);
  expect(failed.length).toBeGreaterThan(0);
});
