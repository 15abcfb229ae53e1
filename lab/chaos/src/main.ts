import { parseArgs } from 'node:util';
import { run } from './run.ts';
import type { StoreName } from './stores.ts';

const stores: readonly StoreName[] = ['sqlite', 'postgres', 'redis'];
const usage = `usage: npm run chaos -- [--storage ${stores.join('|')}] [--minutes 2] [--seed N] [--rate 60] [--history FILE]`;

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite' },
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '60' },
    history: { type: 'string' },
  },
});
const storage = stores.find((name) => name === values.storage);
const [minutes, seed, rate] = [values.minutes, values.seed, values.rate].map(Number);
if (storage === undefined || !(Number(minutes) > 0) || !Number.isInteger(seed) || !(Number(rate) > 0)) {
  console.error(usage);
  process.exit(2);
}
const { history } = values;
const options = { storage, minutes: Number(minutes), seed: Number(seed), rate: Number(rate), history };
console.log(`chaos on ${storage}: ${minutes} minutes, seed ${seed}, ${rate} pieces of work a second`);
const { verdict, operations, faults, minutes: by, file } = await run(options);
const { violations, jobs, records, judged } = verdict;
for (const { rule, at, job, message } of violations.slice(0, 50))
  console.log(`${rule} at ${at}${job ? ` ${job}` : ''}: ${message}`);
const listOf = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
console.log(`faults: ${listOf(faults)}`);
console.log(`judged: ${listOf(judged)}`);
console.log(`answers a minute: ${by.map(({ answers }) => answers).join(', ')}`);
console.log(`memory of a server in MB, by minute: ${by.map(({ memory }) => memory ?? 'unknown').join(', ')}`);
console.log(`${jobs} jobs, ${operations} operations, ${records} records, ${violations.length} violations`);
if (violations.length > 0 || history !== undefined) console.log(`the history is ${file}`);
process.exit(violations.length > 0 ? 1 : 0);
