// npm run bench -- backlog: what a claim, and the memory of a server, cost with a million jobs in the way.
import { command, namesOf, parse, storageOf, storageUsage, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { memoryWarning } from '../store.ts';
import { mib, ms, perSecond, table, verdict } from '../table.ts';
import { type ClaimFigure, measureClaims } from './claims.ts';
import { type MemoryFigure, measureMemory } from './memory.ts';
import { readyJobs, names as situations } from './situations.ts';

const usage = `${storageUsage}
--situation NAMES   ${situations.join(', ')}, memory; by commas; default all
--far N             jobs in front, default 1000000
--near N            jobs in front of the claims they are compared with, default 1000
--claims N          claims of 10 that are measured on each side, default 300, behind a fifth of it that is not
--idle SECONDS      before the memory of the server is read, default 10
--handled N         jobs that the server then serves before it is read again, default 20000
--json              one JSON document instead of tables`;

const mostRatio = 1.5;
const mostMemory = 400 * 2 ** 20;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    situation: { type: 'string', default: [...situations, 'memory'].join(',') },
    far: { type: 'string', default: '1000000' },
    near: { type: 'string', default: '1000' },
    claims: { type: 'string', default: '300' },
    idle: { type: 'string', default: '10' },
    handled: { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
  });
  const storage = storageOf(values.storage);
  const chosen = namesOf('situation', values.situation, [...situations, 'memory']);
  const [near, far] = [whole('near', values.near, readyJobs), whole('far', values.far, readyJobs)];
  const claims = whole('claims', values.claims);
  const memory = {
    storage,
    waiting: far,
    idleMs: whole('idle', values.idle, 0) * 1_000,
    handled: whole('handled', values.handled),
  };
  const facts = machine();
  if (!values.json)
    console.log([describeMachine(facts), memoryWarning(storage), `storage ${storage}`].filter(Boolean).join('\n'));

  const figures: ClaimFigure[] = [];
  for (const name of situations) {
    if (!chosen.includes(name)) continue;
    if (process.stderr.isTTY) process.stderr.write(`${name}… `);
    figures.push(await measureClaims(name, { storage, near, far, claims }));
  }
  // In the storage of that name the jobs are the memory.
  const server = chosen.includes('memory') && storage !== 'memory:' ? await measureMemory(memory) : null;
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (values.json)
    return console.log(JSON.stringify({ machine: facts, storage, near, far, claims, figures, server }, null, 2));
  if (figures.length > 0) {
    console.log(
      `${figures[0]?.durability}\n\nA claim of 10, ms: medians of ${claims}, both sides in turns, ${perSecond(near)} and ${perSecond(far)} jobs in front\n`,
    );
    console.log(claimTable(figures));
  }
  if (server !== null) console.log(`\n${memoryTable(server, memory)}`);
}

function claimTable(figures: readonly ClaimFigure[]): string {
  const rows = figures.map(({ situation, near, far }) => {
    const ratio = far.p50 / near.p50;
    const cells = [near.p50, far.p50].map(ms);
    return [
      situation,
      verdict(`below ${mostRatio}`, ratio < mostRatio),
      ...cells,
      ratio.toFixed(2),
      ms(near.p99),
      ms(far.p99),
    ];
  });
  return table(['in front', 'wanted', 'p50 near', 'p50 far', 'ratio', 'p99 near', 'p99 far'], rows);
}

function memoryTable(
  { started, idled, worked, peak }: MemoryFigure,
  options: { readonly waiting: number; readonly idleMs: number; readonly handled: number },
): string {
  const rows = [
    ['started', '', mib(started)],
    [`after ${options.idleMs / 1_000} s`, '', mib(idled)],
    [`after ${perSecond(options.handled)} jobs`, '', mib(worked)],
    ['most of all', verdict(`below ${mib(mostMemory)}`, peak < mostMemory), mib(peak)],
  ];
  return table([`ojs serve with ${perSecond(options.waiting)} jobs waiting`, 'wanted', 'RSS MiB'], rows);
}

await command('bench backlog', usage, main);
