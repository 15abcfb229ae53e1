// Runs the instruments, keeps their figures, and writes lab/docs/reliability.md: `npm run reliability -- [options]`.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { didYouMean } from '../../packages/core/src/suggestion.ts';
import { readFigures, writeFigures } from './figures.ts';
import { type InstrumentName, instruments } from './instruments.ts';
import { pageFile, reliabilityPage } from './page.ts';

const names = Object.keys(instruments);
const usage = `npm run reliability -- [options]
  --only NAME     run this instrument only; may be given several times: ${names.join(', ')}
  --share N       of the full size: 1 takes some six hours (1)
  --page          run nothing, write the page from the figures of the last runs`;

function isInstrument(name: string): name is InstrumentName {
  return name in instruments;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: names },
      share: { type: 'string', default: '1' },
      page: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only.find((name) => !isInstrument(name));
  if (unknown !== undefined) throw new Error(`--only is "${unknown}".${didYouMean(unknown, names)}`);
  const share = Number(values.share);
  if (!(share > 0)) throw new Error(`--share is "${values.share}"; expected a number above 0`);
  return { only: values.page ? [] : values.only.filter(isInstrument), share };
}

let options: ReturnType<typeof readOptions>;
try {
  options = readOptions();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exit(2);
}
for (const name of options.only) {
  console.log(`${name} …`);
  writeFigures({ ...readFigures(), [name]: await instruments[name](options.share) });
}
writeFileSync(pageFile, reliabilityPage(readFigures()));
