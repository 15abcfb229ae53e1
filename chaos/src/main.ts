import { parseArgs } from 'node:util';
import { run } from './run.ts';
import type { StoreName } from './stores.ts';

const stores: readonly StoreName[] = ['sqlite', 'postgres', 'redis'];
const usage = `usage: npm run chaos -- [--storage ${stores.join('|')}] [--minutes 2] [--seed N] [--rate 60]`;

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'sqlite' },
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '60' },
  },
});
const storage = stores.find((name) => name === values.storage);
const [minutes, seed, rate] = [values.minutes, values.seed, values.rate].map(Number);
if (storage === undefined || !(Number(minutes) > 0) || !Number.isInteger(seed) || !(Number(rate) > 0)) {
  console.error(usage);
  process.exit(2);
}
const options = { storage, minutes: Number(minutes), seed: Number(seed), rate: Number(rate) };
console.log(`chaos on ${storage}: ${minutes} minutes, seed ${seed}, ${rate} pieces of work a second`);
const { verdict, faults, file } = await run(options);
const { violations, jobs, records, judged } = verdict;
for (const { rule, at, job, message } of violations.slice(0, 50))
  console.log(`${rule} at ${at}${job ? ` ${job}` : ''}: ${message}`);
console.log(
  Object.entries(faults)
    .map(([name, count]) => `${name} ${count}`)
    .join(', '),
);
console.log(
  Object.entries(judged)
    .map(([rule, count]) => `${rule} ${count}`)
    .join(', '),
);
console.log(`${jobs} jobs, ${records} records, ${violations.length} violations`);
if (violations.length > 0) console.log(`the history is ${file}`);
process.exit(violations.length > 0 ? 1 : 0);
