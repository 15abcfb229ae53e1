import { readFileSync } from 'node:fs';
import { check, read } from './index.ts';

const file = process.argv[2];
if (file === undefined) {
  console.error('usage: node lab/checker/src/main.ts HISTORY.ndjson');
  process.exit(2);
}
const { violations, jobs, records, judged } = check(read(readFileSync(file, 'utf8').split('\n')));
for (const { rule, at, job, message } of violations) console.log(`${rule} at ${at}${job ? ` ${job}` : ''}: ${message}`);
const looked = Object.entries(judged).map(([rule, count]) => `${rule} ${count}`);
console.log(`${jobs} jobs, ${records} records, ${violations.length} violations (judged: ${looked.join(', ')})`);
process.exitCode = violations.length > 0 ? 1 : 0;
