// npm run bench -- events: what the log of events and a subscriber cost a drain over HTTP.
import { command, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { alternate } from '../rounds.ts';
import { median } from '../statistics.ts';
import { memoryWarning } from '../store.ts';
import { perSecond, range, table, verdict } from '../table.ts';
import { type EventsFigure, modes, runDrain } from './run.ts';

const usage = `${storageUsage}
--jobs N            jobs a run, default 100000
--concurrency N     of the worker, default 100
--runs N            rounds, default 5; every other one in reverse order; the table shows medians
--json              one JSON document instead of tables`;

/** The issue: with events on, at most 10 % less throughput than without. */
const least = 0.9;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    jobs: { type: 'string', default: '100000' },
    concurrency: { type: 'string', default: '100' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  });
  const storage = storageOf(values.storage);
  const jobs = whole('jobs', values.jobs);
  const concurrency = whole('concurrency', values.concurrency);
  const runs = whole('runs', values.runs);
  const facts = machine();
  if (!values.json) console.log([describeMachine(facts), memoryWarning(storage)].filter(Boolean).join('\n'));

  const series = await alternate(
    modes.map((mode) => ({ who: mode.who, run: () => runDrain(mode, storage, jobs, concurrency) })),
    runs,
  );
  const durability = series[0]?.answers[0]?.durability ?? '';
  if (values.json)
    return console.log(
      JSON.stringify({ machine: facts, storage, jobs, concurrency, runs, durability, series }, null, 2),
    );
  console.log(`storage ${storage}: ${durability}`);
  console.log(
    `drain of ${perSecond(jobs)} jobs at ${concurrency} over HTTP; medians of ${runs} rounds, every other one in reverse order; ratios are medians of the rounds' own\n`,
  );
  console.log(eventsTable(series, jobs));
}

function eventsTable(
  series: readonly { readonly who: string; readonly answers: readonly EventsFigure[] }[],
  jobs: number,
): string {
  const off = series[0]?.answers ?? [];
  const rows = series.map(({ who, answers }, index) => {
    const counts = answers.flatMap((answer) => answer.counts ?? []);
    const rates = answers.map(({ jobsPerSecond }) => jobsPerSecond);
    const cpu = answers.map(({ serverCpuUs }) => serverCpuUs);
    // Round by round: what disturbs the machine for a minute disturbs both.
    const ratio = median(rates.map((rate, round) => rate / (off[round]?.jobsPerSecond ?? Number.NaN)));
    const cpuRatio = median(cpu.map((us, round) => us / (off[round]?.serverCpuUs ?? Number.NaN)));
    return [
      who,
      index === 0 || index === 3 ? '' : verdict(`at least ${least}`, ratio >= least),
      perSecond(median(rates)),
      range(rates),
      ratio.toFixed(3),
      median(cpu).toFixed(1),
      cpuRatio.toFixed(3),
      counts.length === 0 ? '' : (median(counts.map(({ events }) => events)) / jobs).toFixed(2),
      counts.length === 0 ? '' : (median(counts.map(({ dropped }) => dropped)) / jobs).toFixed(2),
    ];
  });
  const head = [
    'events',
    'wanted',
    'jobs/s',
    'range',
    'ratio to off',
    'server CPU us/job',
    'ratio to off',
    'received/job',
    'dropped/job',
  ];
  return table(head, rows);
}

await command('bench events', usage, main);
