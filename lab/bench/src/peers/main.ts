// npm run bench -- peers: ours and other queues on the same database, the same work, in turns.
import { command, parse, UsageError } from '../arguments.ts';
import { commandLine, figuresFile, Ledger } from '../ledger.ts';
import { describeMachine, machine } from '../machine.ts';
import { type Work, workOf, workOptions, workUsage } from '../options.ts';
import { writePages } from '../page/write.ts';
import { type Place, placesOf, placesUsage } from '../places.ts';
import { alternate } from '../rounds.ts';
import { runOurs } from '../run.ts';
import { labelOf, type Scenario } from '../task.ts';
import { type Peer, peers } from './contestants.ts';
import { syncTime } from './disk.ts';
import { install } from './install.ts';
import type { Contest } from './report.ts';
import { runPeer } from './run.ts';

const usage = `${placesUsage}; default sqlite,postgres,redis
--peer-storage NAME                     where the peers work instead; ours on SQLite beside BullMQ: --storage sqlite --peer-storage redis
${workUsage}; also: nothing is kept, and lab/docs/benchmarks.md not written`;

async function contest(
  scenario: Scenario,
  { label, ...work }: Work & Variant,
  here: Place,
  there: Place,
  among: readonly Peer[],
): Promise<Contest> {
  const isDeleting = scenario.name === 'drain' && scenario.deleting === true;
  const contestants = [
    ...work.modes.map((mode) => ({
      who: mode,
      run: () => runOurs(scenario, mode, { ...work, storage: here.storage }),
    })),
    ...among
      .filter(({ deletes }) => !isDeleting || deletes !== null)
      .map((peer) => ({ who: peer.who, run: () => runPeer(peer, scenario, { ...work, storage: there.storage }) })),
  ];
  const syncMs = here.kind === 'sqlite' && scenario.name === 'enqueue' ? syncTime() : null;
  const answers = await alternate(contestants, work.runs);
  const series = answers.map(({ who, answers }) => ({ who, figures: answers }));
  const setUps = Object.fromEntries(among.map(({ who, setUp }) => [who, setUp]));
  return { ours: here.kind, theirs: there.kind, scenario: label, jobs: work.jobs, syncMs, setUps, series };
}

interface Variant {
  readonly jobs: number;
  readonly warm: number;
  readonly label: string;
}

/**
 * New processes, and processes that have had a round before. Drains of backlogs of three lengths: the tables of some
 * queues slow down with their length. graphile-worker was as fast as ours with 40,000 jobs, and half as fast with 100,000.
 */
function variantsOf(scenario: Scenario, jobs: number): readonly Variant[] {
  const isDrain = scenario.name === 'drain';
  const sizes = isDrain && scenario.deleting !== true ? [jobs, Math.ceil(jobs * 0.4), Math.ceil(jobs * 0.01)] : [jobs];
  const warm = Math.ceil(jobs * 0.2);
  const warmths = scenario.name === 'pickup' || (isDrain && scenario.deleting) ? [0] : [0, warm];
  return sizes.flatMap((size) =>
    warmths.map((warm) => {
      const length = size === jobs ? '' : ` of ${size} jobs`;
      return { jobs: size, warm, label: `${labelOf(scenario)}${length}${warm > 0 ? ', warm' : ''}` };
    }),
  );
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite,postgres,redis' },
    'peer-storage': { type: 'string' },
    ...workOptions,
    scenario: { type: 'string', default: 'enqueue,enqueue-256,batch,drain,pickup,drain-100-deleting' },
  });
  const work = workOf(values);
  const places = placesOf(values.storage);
  const elsewhere = values['peer-storage'] === undefined ? [] : placesOf(values['peer-storage']);
  if (elsewhere.length > 1) throw new UsageError('--peer-storage: expected one name');
  install();
  if (!work.json) console.log(describeMachine(machine()));
  const ledger = new Ledger<Contest>(figuresFile('peers'), commandLine('peers', args));
  const all: Contest[] = [];
  for (const open of places) {
    await using here = await open();
    await using other = (await elsewhere[0]?.()) ?? null;
    const there = other ?? here;
    const among = peers[there.kind];
    if (among.length === 0) throw new UsageError('--storage: no peer works in memory');
    for (const scenario of work.scenarios) {
      for (const variant of variantsOf(scenario, work.jobs)) {
        const figure = await contest(scenario, { ...work, ...variant }, here, there, among);
        all.push(figure);
        if (!work.json) ledger.put(`${here.kind}, ${there.kind}: ${variant.label}`, figure);
      }
    }
  }
  if (work.json) console.log(JSON.stringify(all, null, 2));
  else writePages();
}

await command('bench peers', usage, main);
