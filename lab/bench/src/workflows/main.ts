// npm run bench -- workflows: what a step costs, first to last, in long chains, chains of groups and many short chains.
import { command, namesOf, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { median } from '../statistics.ts';
import { kindOf } from '../store.ts';
import { table, verdict } from '../table.ts';
import { runShape, type ShapeFigure, shapes } from './run.ts';

const usage = `${storageUsage}
                    a server must run on this machine, and do nothing else meanwhile
--shape NAMES       ${shapes.join(', ')}; by commas; default all. plain: jobs without a workflow;
                    chains: of ten steps; chain: one; groups: one chain of groups of 100
--jobs N            jobs of chains and plain, default 5000
--long N            jobs of chain and groups, default 1000
--runs N            default 3; medians are shown
--json              one JSON document instead of a table`;

/** A step of the last quarter of a workflow costs at most so much of one of the first. */
const mostGrowth = 1.2;
/** A step of a short chain costs at most so much of a plain job. */
const mostPlain = 6;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    shape: { type: 'string', default: shapes.join(',') },
    jobs: { type: 'string', default: '5000' },
    long: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  });
  const storage = storageOf(values.storage);
  const [jobs, long, runs] = [whole('jobs', values.jobs), whole('long', values.long), whole('runs', values.runs)];
  const facts = machine();
  if (!values.json) console.log(`${describeMachine(facts)}\nstorage ${storage}, medians of ${runs} runs\n`);
  const series: { shape: (typeof shapes)[number]; figures: ShapeFigure[] }[] = [];
  for (const shape of namesOf('shape', values.shape, shapes)) {
    const figures: ShapeFigure[] = [];
    const size = shape === 'chain' || shape === 'groups' ? long : jobs;
    for (let run = 0; run < runs; run++) figures.push(await runShape(shape, storage, size));
    series.push({ shape, figures });
  }
  if (values.json) return console.log(JSON.stringify({ machine: facts, storage, jobs, long, runs, series }, null, 2));
  const cost = ({ quarters }: ShapeFigure, at?: number) => {
    const some = at === undefined ? quarters : quarters.slice(at, at + 1);
    return some.reduce((sum, { nodeUs, storeUs }) => sum + nodeUs + storeUs, 0) / some.length;
  };
  const plain = median(series.find(({ shape }) => shape === 'plain')?.figures.map((one) => cost(one)) ?? []);
  const rows = series.map(({ shape, figures }) => {
    const of = (pick: (figure: ShapeFigure) => number | null | undefined) =>
      median(figures.map((figure) => pick(figure) ?? Number.NaN));
    const growth = of((one) => (one.quarters[3]?.exact ?? cost(one, 3)) / (one.quarters[0]?.exact ?? cost(one, 0)));
    const ratio = of((one) => cost(one)) / plain;
    const wanted =
      shape === 'chains'
        ? verdict(`≤ ${mostPlain} plain`, ratio <= mostPlain)
        : shape === 'plain'
          ? ''
          : verdict(`last ÷ first ≤ ${mostGrowth}`, growth <= mostGrowth);
    return [
      shape,
      wanted,
      `${figures[0]?.jobs}`,
      of((one) => cost(one, 0)).toFixed(0),
      of((one) => cost(one, 3)).toFixed(0),
      shown(of(({ quarters }) => quarters[0]?.exact)),
      shown(of(({ quarters }) => quarters[3]?.exact)),
      growth.toFixed(2),
      shown(ratio, 1),
      shown(
        of(({ keptBytes, resultBytes }) => keptBytes && keptBytes / resultBytes),
        1,
      ),
    ];
  });
  const exact = kindOf(storage) === 'redis' ? 'commands' : 'log bytes';
  const head = ['shape', 'wanted', 'jobs', 'CPU µs first', 'last quarter', `${exact} first`, 'last quarter'];
  console.log(table([...head, 'last ÷ first', '÷ plain', 'kept ÷ results'], rows, 2));
}

function shown(value: number, digits = 0): string {
  return Number.isNaN(value) ? '' : value.toFixed(digits);
}

await command('bench workflows', usage, main);
