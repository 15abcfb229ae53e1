// npm run bench -- scale: what operations cost as a store grows, and what more workers and servers bring.
import { command, namesOf, parse, whole } from '../arguments.ts';
import { commandLine, figuresFile, Ledger } from '../ledger.ts';
import { describeMachine, machine } from '../machine.ts';
import { writePages } from '../page/write.ts';
import { type Place, placesOf, placesUsage } from '../places.ts';
import { runOurs } from '../run.ts';
import { costsInProcess } from './cost.ts';
import { type FieldName, fieldNames } from './fields.ts';
import { type DrainName, drainNames, type ScalePoint } from './report.ts';
import { measureTransaction } from './transaction.ts';

const curves = [...fieldNames, ...drainNames, 'transaction'] as const;
type Curve = (typeof curves)[number];

const usage = `${placesUsage}; default all
--curve NAMES       ${curves.join(', ')}; by commas; default all
--most N            jobs in a store, default 1000000; 10000000 is for postgres and sqlite
--calls N           of each operation at each point, default 1000
--jobs N            of a drain, default 50000
--seconds N         that the transaction is open, default 600
--json              one JSON document; nothing is kept, and no page is written
A point of the same commit that is there already is not taken again.`;

interface Sizes {
  readonly calls: number;
  readonly jobs: number;
  readonly seconds: number;
}

function positions(curve: Curve, most: number, { kind }: Place): readonly number[] {
  switch (curve) {
    case 'workers':
      return [1, 2, 4, 8, 16, 32, 64].filter((x) => x <= most);
    case 'servers':
      // The jobs of `memory:` are in one server.
      return kind === 'memory' ? [] : [1, 2, 3, 4];
    case 'queues':
    case 'keys':
      return [1, 10, 100, 1_000, 10_000].filter((x) => x <= most);
    case 'transaction':
      return kind === 'postgres' ? [1] : [];
    default:
      return [1_000, 10_000, 100_000, 1_000_000, 10_000_000].filter((x) => x <= most);
  }
}

async function measure(
  curve: Curve,
  { kind, storage }: Place,
  x: number,
  { calls, jobs, seconds }: Sizes,
): Promise<ScalePoint> {
  if (curve === 'transaction') return { kind, x, curve, point: await measureTransaction(storage, seconds) };
  if (!isDrain(curve)) return { kind, x, curve, point: await costsInProcess({ storage, field: curve, x, calls }) };
  const [workers, servers] = curve === 'workers' ? [x, 1] : [4, x];
  const drain = { name: 'drain', concurrency: 10, workers } as const;
  return { kind, x, curve, warm: true, figure: await runOurs(drain, 'http', { storage, jobs, warm: jobs }, servers) };
}

function isDrain(curve: FieldName | DrainName): curve is DrainName {
  return drainNames.some((name) => name === curve);
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'memory,sqlite,postgres,redis' },
    curve: { type: 'string', default: curves.join(',') },
    most: { type: 'string', default: '1000000' },
    calls: { type: 'string', default: '1000' },
    jobs: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  });
  const places = placesOf(values.storage);
  const chosen = namesOf('curve', values.curve, curves);
  const most = whole('most', values.most);
  const sizes = {
    calls: whole('calls', values.calls),
    jobs: whole('jobs', values.jobs),
    seconds: whole('seconds', values.seconds),
  };
  if (!values.json) console.log(describeMachine(machine()));
  const ledger = new Ledger<ScalePoint>(figuresFile('scale'), commandLine('scale', args));
  const all: ScalePoint[] = [];
  for (const open of places) {
    await using place = await open();
    for (const curve of chosen) {
      for (const x of positions(curve, most, place)) {
        const key = `${place.kind}, ${curve}: ${x}`;
        if (!values.json && ledger.has(key)) continue;
        if (process.stderr.isTTY) process.stderr.write(`${key}… `);
        const point = await measure(curve, place, x, sizes);
        all.push(point);
        if (!values.json) ledger.put(key, point);
      }
    }
  }
  if (values.json) console.log(JSON.stringify(all, null, 2));
  else writePages();
}

await command('bench scale', usage, main);
