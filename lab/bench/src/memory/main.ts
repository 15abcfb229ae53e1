// npm run bench -- memory: whether a server with a small heap lives through legal and hostile sizes.
import { command, parse, positive, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { memory } from './run.ts';

const usage = `${storageUsage}
--minutes N         how long, default 1
--heap MIB          of the server, default 256
--streams N         that nobody reads, default 3000`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    minutes: { type: 'string', default: '1' },
    heap: { type: 'string', default: '256' },
    streams: { type: 'string', default: '3000' },
  });
  console.log(describeMachine(machine()));
  const run = await memory({
    storage: storageOf(values.storage),
    heap: whole('heap', values.heap),
    seconds: positive('minutes', values.minutes) * 60,
    streams: whole('streams', values.streams),
  });
  console.log(JSON.stringify(run, null, 2));
  if (!run.alive || run.failed > 0 || run.lost > 0 || run.short > 0) process.exitCode = 1;
}

await command('bench memory', usage, main);
