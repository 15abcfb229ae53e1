import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { locate } from '../../../conformance/mutations/locate.ts';
import { lossMutations } from '../src/power/mutations.ts';
import { recordLoad } from '../src/power/recording.ts';
import { replay } from '../src/power/replay.ts';

function record(seed: number, mutation?: string) {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-power-load-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return recordLoad(directory, { pieces: 300, seed, ...(mutation !== undefined && { mutation }) });
}

test('400 losses of power: what was acknowledged is there, and the file is whole', async () => {
  const { failed, judged, lostBytes } = await replay(record(1), { losses: 400, seed: 1 });
  console.log(`${judged} acknowledged jobs looked for, ${Math.round(lostBytes / 1024)} KiB lost`);
  expect(failed).toEqual([]);
  expect(judged).toBeGreaterThan(20_000);
  expect(lostBytes).toBeGreaterThan(100_000);
});

test.each(lossMutations)('a planted bug is found: $name', async (mutation) => {
  // An answer before the disk shows at one of 10 to 40 moments, where the disk is fast.
  const bounds = { losses: 400, seed: 1, untilFailure: true };
  const { failed, losses } = await replay(record(1, JSON.stringify(locate(mutation))), bounds);
  console.log(`${mutation.name}: found ${failed.length} times in ${losses} losses of power`);
  expect(failed.length).toBeGreaterThan(0);
});
