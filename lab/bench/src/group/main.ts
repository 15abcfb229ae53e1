// npm run bench -- group: what a group costs beside the same jobs without a workflow.
import { command, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { alternate } from '../rounds.ts';
import { median } from '../statistics.ts';
import { memoryWarning } from '../store.ts';
import { perSecond, table, verdict } from '../table.ts';
import { type GroupFigure, modes, runJobs } from './run.ts';

const usage = `${storageUsage}
--jobs N            jobs of the group, default 10000 (the most that a request may have)
--runs N            rounds, default 7; every other one in reverse order; the table shows medians
--json              one JSON document instead of tables`;

/** The issue: a group costs at most so much of the same jobs without a workflow. */
const most = 1.5;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    jobs: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  });
  const storage = storageOf(values.storage);
  const jobs = whole('jobs', values.jobs);
  const runs = whole('runs', values.runs);
  const facts = machine();
  if (!values.json) console.log([describeMachine(facts), memoryWarning(storage)].filter(Boolean).join('\n'));

  const contestants = modes.map((who) => ({ who, run: () => runJobs(who, storage, jobs) }));
  // The code is compiled while it runs: the first round would be slower than the others.
  await alternate(contestants, 1);
  const series = await alternate(contestants, runs);
  const durability = series[0]?.answers[0]?.durability ?? '';
  if (values.json)
    return console.log(JSON.stringify({ machine: facts, storage, jobs, runs, durability, series }, null, 2));
  console.log(`storage ${storage}: ${durability}`);
  console.log(
    `${perSecond(jobs)} jobs through the engine in this process, claims and acks of 100; medians of ${runs} rounds behind one that does not count, every other one in reverse order; ratios are medians of the rounds' own\n`,
  );
  console.log(groupTable(series));
}

function groupTable(series: readonly { readonly who: string; readonly answers: readonly GroupFigure[] }[]): string {
  const plain = series.find(({ who }) => who === 'plain')?.answers ?? [];
  const rows = series.map(({ who, answers }) => {
    const of = (pick: (figure: GroupFigure) => number) => median(answers.map(pick));
    const ratio = (pick: (figure: GroupFigure) => number) =>
      median(answers.map((answer, round) => pick(answer) / (plain.map(pick)[round] ?? Number.NaN)));
    const [wall, cpu] = [ratio(({ wallMs }) => wallMs), ratio(({ cpuMs }) => cpuMs)];
    const cells = [of(({ createMs }) => createMs), of(({ wallMs }) => wallMs), of(({ cpuMs }) => cpuMs)].map((ms) =>
      ms.toFixed(0),
    );
    const wanted = who === 'plain' ? '' : verdict(`at most ${most}`, Math.max(wall, cpu) <= most);
    const answer = answers.some(({ answerMs }) => answerMs !== null)
      ? of(({ answerMs }) => answerMs ?? 0).toFixed(0)
      : '';
    return [who, wanted, ...cells, wall.toFixed(2), cpu.toFixed(2), answer];
  });
  return table(['jobs as', 'wanted', 'creation ms', 'wall ms', 'CPU ms', 'wall ratio', 'CPU ratio', 'answer ms'], rows);
}

await command('bench group', usage, main);
