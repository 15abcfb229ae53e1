// npm run bench -- sync: calls one after the other, by a client that blocks and by one that awaits.
import { Client } from '@ojs-ts/sdk';
import { SyncClient } from '@ojs-ts/sdk/sync';
import { command, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { alternate } from '../rounds.ts';
import { startServer } from '../server.ts';
import { median } from '../statistics.ts';
import { perSecond, range, table } from '../table.ts';

const usage = `${storageUsage}
--ms N              of each turn, default 1000
--runs N            rounds, default 5; every other one in reverse order; the table shows medians`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    ms: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
  });
  const storage = storageOf(values.storage);
  const [ms, runs] = [whole('ms', values.ms), whole('runs', values.runs)];
  console.log(`${describeMachine(machine())}\nstorage ${storage}; medians of ${runs} rounds\n`);
  await using server = await startServer(storage);
  using sync = new SyncClient(server.url);
  await using client = new Client(server.url);
  const { id } = sync.enqueue('bench.job', []);
  const calls = [
    ['health', () => sync.health(), () => client.health()],
    ['getJob', () => sync.getJob(id), () => client.getJob(id)],
    ['enqueue', () => sync.enqueue('bench.job', ['x']), () => client.enqueue('bench.job', ['x'])],
  ] as const;
  const rows: string[][] = [];
  for (const [name, blocking, awaiting] of calls) {
    for (let n = 0; n < 200; n++) {
      blocking();
      await awaiting();
    }
    const series = await alternate(
      [
        { who: 'SyncClient', run: async () => rateOf(ms, blocking) },
        { who: 'Client, one call at a time', run: () => awaitedRateOf(ms, awaiting) },
      ],
      runs,
    );
    for (const { who, answers } of series) rows.push([name, who, perSecond(median(answers)), range(answers)]);
  }
  console.log(table(['call', 'by', 'calls/s', 'range'], rows));
}

/** Apart from the other one: an `await` of what is there already costs a turn too. */
function rateOf(ms: number, call: () => unknown): number {
  const began = performance.now();
  let count = 0;
  for (; performance.now() - began < ms; count++) call();
  return (count / (performance.now() - began)) * 1_000;
}

async function awaitedRateOf(ms: number, call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let count = 0;
  for (; performance.now() - began < ms; count++) await call();
  return (count / (performance.now() - began)) * 1_000;
}

await command('bench sync', usage, main);
