// npm run bench -- latency: how long a job waits for its start, idle and under load, and what load a queue keeps up with.
import { command, namesOf, parse, whole } from '../arguments.ts';
import { commandLine, figuresFile, Ledger } from '../ledger.ts';
import { describeMachine, machine } from '../machine.ts';
import { writePages } from '../page/write.ts';
import { peers } from '../peers/contestants.ts';
import { install } from '../peers/install.ts';
import { runPeer } from '../peers/run.ts';
import { type Place, placesOf, placesUsage } from '../places.ts';
import { type Figure, runOurs } from '../run.ts';
import type { Scenario } from '../task.ts';
import { capacityOf } from './capacity.ts';
import { type LatencyPoint, loads } from './report.ts';

const usage = `${placesUsage}; default all
--load NAMES        idle: pickups of an idle worker; steady: at --rate; half: at half of the capacity, beside peers; default all
--who NAMES         of embedded, http and the peers; by commas; default all
--rate N            jobs a second of steady, default 2000
--start N           jobs a second of the first probe for a capacity, default 2000
--seconds N         of a run at a rate, and of the probe that decides, default 60
--jobs N            of idle, default 1000
--json              one JSON document; nothing is kept, and lab/docs/benchmarks.md not written
A figure of the same commit that is there already is not taken again.`;

interface Contestant {
  readonly who: string;
  run(scenario: Scenario, jobs: number): Promise<Figure>;
}

function contestantsAt({ kind, storage }: Place): {
  readonly ours: readonly Contestant[];
  readonly theirs: readonly Contestant[];
} {
  return {
    ours: (['embedded', 'http'] as const).map((mode) => ({
      who: mode,
      run: (scenario, jobs) => runOurs(scenario, mode, { storage, jobs }),
    })),
    theirs: peers[kind].map((peer) => ({
      who: peer.who,
      run: (scenario, jobs) => runPeer(peer, scenario, { storage, jobs }),
    })),
  };
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'memory,sqlite,postgres,redis' },
    load: { type: 'string', default: loads.join(',') },
    who: { type: 'string' },
    rate: { type: 'string', default: '2000' },
    start: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  });
  const places = placesOf(values.storage);
  const chosen = namesOf('load', values.load, loads);
  const everybody = ['embedded', 'http', ...Object.values(peers).flatMap((some) => some.map(({ who }) => who))];
  const who = values.who === undefined ? everybody : namesOf('who', values.who, everybody);
  const [rate, start] = [whole('rate', values.rate), whole('start', values.start)];
  const [seconds, jobs] = [whole('seconds', values.seconds), whole('jobs', values.jobs)];
  if (who.some((name) => name !== 'embedded' && name !== 'http')) install();
  if (!values.json) console.log(describeMachine(machine()));
  const ledger = new Ledger<LatencyPoint>(figuresFile('latency'), commandLine('latency', args));
  const all: LatencyPoint[] = [];
  const paced = (contestant: Contestant, rate: number, seconds: number) =>
    contestant.run({ name: 'paced', rate, seconds }, rate * seconds);

  for (const open of places) {
    await using place = await open();
    const { ours, theirs } = contestantsAt(place);
    for (const load of chosen) {
      for (const contestant of [...ours, ...(load === 'half' ? theirs : [])]) {
        const key = `${place.kind}, ${contestant.who}: ${load}`;
        if (!who.includes(contestant.who) || (!values.json && ledger.has(key))) continue;
        if (process.stderr.isTTY) process.stderr.write(`${key}… `);
        const common = { kind: place.kind, who: contestant.who, load, seconds };
        const measure = async (): Promise<LatencyPoint> => {
          if (load === 'idle') {
            const figures = [await contestant.run({ name: 'pickup' }, jobs)];
            return { ...common, rate: null, capacity: null, figures };
          }
          if (load === 'steady')
            return { ...common, rate, capacity: null, figures: [await paced(contestant, rate, seconds)] };
          const keepsUp = async (rate: number, seconds: number) => {
            const figure = await paced(contestant, rate, seconds);
            return figure.kind === 'paced' && figure.behind === null;
          };
          const capacity = await capacityOf(keepsUp, start, seconds);
          const half = Math.max(1, Math.round(capacity / 2));
          return { ...common, rate: half, capacity, figures: [await paced(contestant, half, seconds)] };
        };
        const point = await measure();
        all.push(point);
        if (!values.json) ledger.put(key, point);
      }
    }
  }
  if (values.json) console.log(JSON.stringify(all, null, 2));
  else writePages();
}

await command('bench latency', usage, main);
