// npm run bench -- soak: whether a steady load leaves a server and its store as they are.
import { command, parse, positive, storageOf, storageUsage, UsageError, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { memoryWarning } from '../store.ts';
import { perSecond, table, verdict } from '../table.ts';
import { type Soak, soak } from './run.ts';
import type { Sample } from './sample.ts';

const usage = `${storageUsage}
--minutes N         how long, default 10
--every SECONDS     from one sample to the next, default 60
--rate N            jobs a second, default 500
--keep N            finished jobs of each state that stay (OJS_RETAIN_COUNT), default 20000
--workers N         processes with a worker at concurrency 50, default 2
--json              one JSON document instead of tables`;

const most = 1.1;
/** The sample that the last one is compared with: by then retention has begun to remove. */
const baseline = 2;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    minutes: { type: 'string', default: '10' },
    every: { type: 'string', default: '60' },
    rate: { type: 'string', default: '500' },
    keep: { type: 'string', default: '20000' },
    workers: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  });
  const storage = storageOf(values.storage);
  const every = positive('every', values.every);
  const samples = Math.round((positive('minutes', values.minutes) * 60) / every);
  if (samples <= baseline) throw new UsageError(`--minutes: expected more than ${baseline} samples, got ${samples}`);
  const [rate, keep, workers] = [
    whole('rate', values.rate),
    whole('keep', values.keep),
    whole('workers', values.workers),
  ];
  const facts = machine();
  if (!values.json) console.log([describeMachine(facts), memoryWarning(storage)].filter(Boolean).join('\n'));

  const onSample = ({ seconds, handled }: Sample) => {
    if (process.stderr.isTTY) process.stderr.write(`${seconds.toFixed(0)} s, ${handled} jobs… `);
  };
  const done = await soak({ storage, samples, every, rate, keep, workers, onSample });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (values.json)
    return console.log(JSON.stringify({ machine: facts, storage, rate, keep, every, workers, ...done }, null, 2));
  console.log(`storage ${storage}${done.settings === '' ? '' : `: ${done.settings}`}`);
  console.log(
    `${perSecond(rate)} jobs/s, the newest ${perSecond(keep)} finished ones kept and events for as long as they take; RSS and heap after a garbage collection\n`,
  );
  console.log([sampleTable(done), ratioTable(done), done.details.join('\n')].filter(Boolean).join('\n\n'));
}

function sampleTable({ samples }: Soak): string {
  const names = samples[0]?.sizes.map(({ what }) => what) ?? [];
  const rows = samples.map(({ seconds, enqueued, handled, failed, sizes }) => {
    const counts = [seconds, enqueued, handled, failed, ...sizes.map(({ value }) => value)];
    return counts.map((value) => perSecond(value));
  });
  return table(['seconds', 'enqueued', 'handled', 'failed', ...names], rows, 0);
}

function ratioTable({ samples }: Soak): string {
  const from = samples[baseline - 1];
  const last = samples.at(-1);
  const rows = (last?.sizes ?? []).map(({ what, value, flat }, index) => {
    const ratio = value / (from?.sizes[index]?.value ?? Number.NaN);
    return [what, flat ? verdict(`at most ${most}`, ratio <= most) : '', ratio.toFixed(3)];
  });
  return table([`last sample to sample ${baseline}`, 'wanted', 'ratio'], rows);
}

await command('bench soak', usage, main);
