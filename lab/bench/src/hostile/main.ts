// npm run bench -- hostile: what one hostile client costs another one, on a server with a small heap.
import { command, parse, positive, storageOf, storageUsage, whole } from '../arguments.ts';
import { checkout } from '../child.ts';
import { describeMachine, machine } from '../machine.ts';
import { percentile } from '../statistics.ts';
import { kindOf } from '../store.ts';
import { mib, table } from '../table.ts';
import { attacks } from './attacks.ts';
import { hostile } from './run.ts';

const usage = `${storageUsage}
--seconds N         of each attack, default 20
--heap MIB          of the server, default 256
--queues N          the most queues that jobs create (OJS_MAX_QUEUES), default the server's
--server FOLDER     another checkout whose server is attacked`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    seconds: { type: 'string', default: '20' },
    heap: { type: 'string', default: '256' },
    queues: { type: 'string' },
    server: { type: 'string', default: checkout },
  });
  console.log(describeMachine(machine()));
  const options = {
    storage: storageOf(values.storage),
    seconds: positive('seconds', values.seconds),
    heap: whole('heap', values.heap),
    queues: values.queues,
    server: values.server,
  };
  const rows: string[][] = [];
  for (const attack of attacks) {
    const { enqueue, manifest, residentBytes, ended, statuses } = await hostile(attack, options);
    console.error(`${attack.name}: ${JSON.stringify(statuses)}`);
    const times = [enqueue, manifest].flatMap((all) =>
      [0.5, 0.99, 1].map((share) => percentile(all, share).toFixed(1)),
    );
    const kind = kindOf(options.storage) ?? options.storage;
    rows.push([kind, attack.name, ...times, mib(residentBytes), ended ? 'ended' : 'lives']);
  }
  const times = ['enqueue', 'manifest'].flatMap((what) => ['p50', 'p99', 'max'].map((which) => `${what} ${which} ms`));
  console.log(`\n${table(['storage', 'attack', ...times, 'peak MiB', 'server'], rows)}`);
  if (rows.some((row) => row.at(-1) === 'ended')) process.exitCode = 1;
}

await command('bench hostile', usage, main);
