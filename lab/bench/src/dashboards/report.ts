import { pathOf } from '../../../dashboard/trial.ts';
import type { Kept } from '../ledger.ts';
import { originLines } from '../page/origin.ts';
import { table } from '../table.ts';
import { type Contest, type Outcome, ourName, peerNames, type Tried } from './outcome.ts';
import { ways } from './ways.ts';

const mostActions = 4;
const mostSeconds = 10;
/** A smaller difference is noise. */
const aheadSeconds = 0.5;

const firstPage = 'the first page';

/** One dashboard's tasks, for the console. */
export function trialTable({ outcomes }: Contest): string {
  const rows = Object.entries(outcomes).map(([task, outcome]) => {
    if (outcome.kind === 'cannot') return [task, 'cannot', ''];
    const { actions, problem, seconds } = outcome;
    return [task, `${pathOf(actions, firstPage)}${problem === null ? '' : `: ${problem}`}`, seconds.toFixed(1)];
  });
  return table(['task', 'way', 'seconds'], rows, 2);
}

/** The text of `lab/docs/dashboards.md`. */
export function comparisonPage(contests: readonly Kept<Contest>[]): string {
  const ours = contests.find(({ name }) => name === ourName);
  if (ours === undefined) return `${head}\nNot measured yet.\n`;
  const peers = peerNames.flatMap((name) => contests.filter((contest) => contest.name === name));
  const all = [ours, ...peers];
  const tasks = Object.keys(ours.outcomes);
  const cell = (contest: Contest, task: string) => cellOf(contest.outcomes[task]);
  return `${head}
The stores hold ${[...new Set(all.map(({ jobs }) => jobs.toLocaleString('en-US')))].join(' or ')} jobs of the same mix. Ours is on SQLite, BullMQ on Redis, pg-boss on PostgreSQL.

${table(['dashboard', 'version', 'tasks done', `of them within ${mostActions} actions and ${mostSeconds} s`], all.map(totals))}

## Side by side

A cell has the number of actions and the seconds.

${table(
  ['task', ...all.map(({ name }) => name)],
  tasks.map((task) => [task, ...all.map((contest) => cell(contest, task))]),
  1,
)}

## Where another dashboard is ahead

With fewer actions, or faster by ${aheadSeconds} s and more:

${ahead(ours, peers)}

${peers.map(peerPart).join('\n\n')}

## Origin

${originLines(contests.map(({ name, origin }) => ({ what: name, origin })))}
`;
}

const head = `# Comparison with other dashboards

The [tasks of an operator](../../docs/operator-tasks.md) in our dashboard, in bull-board and in the dashboard of pg-boss, done in Chromium.
\`npm run bench -- dashboards\` does them again and writes this page. Its figures are in \`lab/bench/figures/dashboards.json\`.

- The tasks are ours, and our dashboard was built for them. Other dashboards do things that no row of this page asks.
- A task begins on the first page of a dashboard. A click, a key, a filled field and an opened address are one action each.
- An address may name a page, a queue, a state or a job. What somebody searches for is filled into the fields of a page.
- The way is the shortest that somebody found in pages, menus and documentation. Below the table is the way of each task, with what it leaves out.
- The packages are the newest that npm has. Only pg-boss is older: with tables of 12.35.0 and later, the actions of its dashboard fail.
- \`no\` has its reason below. A dashboard that has a part of a task counts as if it did all of it.
`;

function cellOf(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome.kind === 'cannot') return 'no';
  const { actions, seconds, problem } = outcome;
  return problem === null ? `${actions.length}, ${seconds.toFixed(1)} s` : `failed after ${seconds.toFixed(0)} s`;
}

function totals({ name, versions, outcomes }: Contest): readonly string[] {
  const done = Object.values(outcomes).filter(isDone);
  const within = done.filter(({ actions, seconds }) => actions.length <= mostActions && seconds < mostSeconds);
  const packages = Object.entries(versions).map(([one, version]) => `\`${one}\` ${version}`);
  const all = Object.keys(outcomes).length;
  return [name, packages.join(' on ') || 'this one', `${done.length} of ${all}`, String(within.length)];
}

function isDone(outcome: Outcome | undefined): outcome is Tried {
  return outcome?.kind === 'tried' && outcome.problem === null;
}

function ahead(ours: Contest, peers: readonly Contest[]): string {
  const lines = peers.flatMap((peer) =>
    Object.entries(ours.outcomes).flatMap(([task, our]) => {
      const their = peer.outcomes[task];
      if (!isDone(their)) return [];
      const isAhead =
        !isDone(our) || their.actions.length < our.actions.length || our.seconds - their.seconds >= aheadSeconds;
      return isAhead ? [`- ${task}: ${peer.name} ${cellOf(their)}; ours ${cellOf(our)}.`] : [];
    }),
  );
  return lines.length === 0 ? 'In none of these tasks.' : lines.join('\n');
}

function peerPart({ name, outcomes }: Contest): string {
  if (name === ourName) return '';
  const rows = Object.entries(outcomes).map(([task, outcome]) => {
    const way = ways[name][task];
    if (way === undefined || outcome.kind === 'cannot') return [task, 'no', way && 'cannot' in way ? way.cannot : ''];
    return [task, pathOf(outcome.actions, firstPage), 'but' in way ? (way.but ?? '') : ''];
  });
  return `## ${name}\n\n${table(['task', 'way', 'why not, or what is left out'], rows, 3)}`;
}
