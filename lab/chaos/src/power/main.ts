import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordLoad } from './recording.ts';
import { replay } from './replay.ts';

const { values } = parseArgs({
  options: {
    losses: { type: 'string', default: '200' },
    pieces: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
const [losses, pieces, seed] = [Number(values.losses), Number(values.pieces), Number(values.seed)];
if (![losses, pieces, seed].every((number) => Number.isInteger(number) && number > 0)) {
  console.error('usage: npm run power-loss -- [--losses 200] [--pieces 300] [--seed 1]');
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'ojs-power-load-'));
const records = recordLoad(directory, { pieces, seed });
rmSync(directory, { recursive: true, force: true });
const { failed, judged, lostBytes } = await replay(records, { losses, seed });
for (const { at, errors } of failed.slice(0, 10)) console.log(`at record ${at}: ${errors.slice(0, 3).join('; ')}`);
console.log(
  `${losses} losses of power in ${records.length} records: ${failed.length} failed, ${judged} acknowledged jobs looked for, ${Math.round(lostBytes / 1024)} KiB were not synchronised and lost`,
);
process.exit(failed.length > 0 ? 1 : 0);
