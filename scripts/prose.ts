// `npm run prose`: words, long sentences and named faults of all pages, comments and messages.
// --faults FAULT|all [FILE]: the sentences. --messages N --seed TEXT: N places that make messages. --write: keep the numbers.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allFaults, type Measured, measureAll, type Totals, totalsOf } from './prose/faults.ts';
import { type Message, readMessages } from './prose/messages.ts';
import { wordsOf } from './prose/sentences.ts';

const root = join(import.meta.dirname, '..');
const numbers = join(root, 'docs/internals/prose.json');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    faults: { type: 'string' },
    messages: { type: 'string' },
    seed: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});

/** Messages in the order of their digests: the same seed draws the same ones. */
function draw(messages: readonly Message[], count: number, seed: string): readonly Message[] {
  const digest = ({ file, line, text }: Message) =>
    createHash('sha256').update(`${seed} ${file}:${line} ${text}`).digest('hex');
  return messages
    .map((message) => ({ message, key: digest(message) }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1))
    .slice(0, count)
    .map(({ message }) => message);
}

function row(name: string, all: readonly Measured[]): string {
  const found = all.flatMap((each) => each.found);
  const sum = (of: (each: Measured) => number) => all.reduce((total, each) => total + of(each), 0);
  const columns = [
    sum(({ words }) => words),
    sum(({ sentences }) => sentences),
    ...allFaults.map((fault) => found.filter((each) => each.fault === fault).length),
    found.length,
  ];
  return name.padEnd(46) + columns.map((value) => String(value || '·').padStart(10)).join('');
}

function falls(kept: Readonly<Record<string, Totals>>, now: Readonly<Record<string, Totals>>): number {
  return Object.entries(kept)
    .flatMap(([folder, totals]) => allFaults.map((fault) => (totals[fault] ?? 0) - (now[folder]?.[fault] ?? 0)))
    .filter((fewer) => fewer > 0).length;
}

if (values.messages !== undefined) {
  const whole = readMessages(root).filter(({ kind, text }) => kind === 'message' && wordsOf(text) > 3);
  const drawn = draw(whole, Number(values.messages), values.seed);
  for (const { file, line, text } of drawn) console.log(`${file}:${line}: ${text}`);
  console.error(`${drawn.length} of ${whole.length} places that make messages`);
} else {
  const measured = measureAll(root).filter(({ file }) => positionals.every((part) => file.includes(part)));
  if (values.faults !== undefined) {
    for (const { place, fault, text } of measured.flatMap(({ found }) => found)) {
      if (values.faults === 'all' || values.faults === fault) console.log(`${place}: ${fault}: ${text}`);
    }
  } else if (values.write) {
    const totals = totalsOf(measured);
    writeFileSync(numbers, `${JSON.stringify(totals, null, 2)}\n`);
  } else {
    console.log(
      ''.padEnd(46) + ['words', 'sentences', ...allFaults, 'faults'].map((each) => each.padStart(10)).join(''),
    );
    const folders = Object.groupBy(measured, ({ folder }) => folder);
    for (const [folder, files = []] of Object.entries(folders)) {
      console.log(row(folder, files));
      if (folder.startsWith('pages ')) for (const each of files) console.log(row(`  ${each.file}`, [each]));
    }
    console.log(row('all', measured));
    const kept: Readonly<Record<string, Totals>> = JSON.parse(readFileSync(numbers, 'utf8'));
    const fewer = positionals.length === 0 ? falls(kept, totalsOf(measured)) : 0;
    if (fewer > 0) console.log(`${fewer} numbers have fallen: npm run prose -- --write keeps the new ones.`);
  }
}
