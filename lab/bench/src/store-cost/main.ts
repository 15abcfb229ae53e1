// npm run bench -- store-cost: what a job costs the store itself, measured below the engine: CPU, log, bytes.
import { command, namesOf, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { median } from '../statistics.ts';
import { table } from '../table.ts';
import { kinds } from './kinds.ts';
import { measureRound, type Round } from './run.ts';

const usage = `${storageUsage}
                    a server must run on this machine, and do nothing else meanwhile
--kind NAMES        ${kinds.join(', ')}; by commas; default plain
--jobs N            jobs of a round, default 30000
--insert N          jobs of one insert, default 1000
--singles N         jobs that are inserted one by one, default 2000
--batches LIST      sizes of claims and acks, default 10,100,500
--rounds N          default 3; medians are shown
--json              one JSON document instead of tables`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    kind: { type: 'string', default: 'plain' },
    jobs: { type: 'string', default: '30000' },
    insert: { type: 'string', default: '1000' },
    singles: { type: 'string', default: '2000' },
    batches: { type: 'string', default: '10,100,500' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  });
  const options = {
    storage: storageOf(values.storage),
    jobs: whole('jobs', values.jobs),
    insertBatch: whole('insert', values.insert),
    singles: whole('singles', values.singles),
    batches: values.batches.split(',').map((batch) => whole('batches', batch)),
  };
  const count = whole('rounds', values.rounds);
  const facts = machine();
  if (!values.json) console.log(`${describeMachine(facts)}\nstorage ${options.storage}, ${count} rounds`);
  const figures = [];
  for (const kind of namesOf('kind', values.kind, kinds)) {
    const rounds: Round[] = [];
    for (let round = 0; round < count; round++) rounds.push(await measureRound({ ...options, kind }));
    figures.push({ kind, rounds });
    if (!values.json) console.log(`\n${kind} jobs\n\n${costTable(rounds)}`);
  }
  if (values.json) console.log(JSON.stringify({ machine: facts, ...options, figures }, null, 2));
}

function costTable(rounds: readonly Round[]): string {
  const rows = (rounds[0]?.costs ?? []).map(({ operation }, at) => {
    const of = (pick: (cost: Round['costs'][number]) => number | null | undefined) => {
      const found = rounds.flatMap(({ costs }) => (costs[at] && pick(costs[at])) ?? []);
      return found.length === 0 ? null : median(found);
    };
    return [
      operation,
      decimal(of(({ storeUs }) => storeUs)),
      decimal(of(({ nodeUs }) => nodeUs)),
      bytes(of(({ logBytes }) => logBytes)),
      (of(({ images }) => images) ?? 0).toFixed(3),
    ];
  });
  const kept = (pick: (round: Round) => number | null) =>
    bytes(median(rounds.map((round) => pick(round) ?? Number.NaN)));
  const costs = table(['operation', 'store CPU µs', 'Node CPU µs', 'log bytes', 'page images'], rows, 1);
  return `${costs}\n\nbytes kept a job: waiting ${kept((round) => round.waitingBytes)}, completed ${kept((round) => round.completedBytes)}`;
}

function decimal(value: number | null): string {
  return value === null ? '' : value.toFixed(1);
}

function bytes(value: number | null): string {
  return value === null || Number.isNaN(value) ? '' : String(Math.round(value));
}

await command('bench store-cost', usage, main);
