// npm run bench -- idle: what the built server costs while nothing happens, and how long it takes to start.
import { command, parse, positive, storageOf, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { alternate } from '../rounds.ts';
import { median } from '../statistics.ts';
import { kindOf } from '../store.ts';
import { mib, table } from '../table.ts';
import { builtPackages } from './built.ts';
import { type Idle, type IdleRun, measureIdle, measureStarts, type Start } from './run.ts';

const usage = `--storage URL       memory:, sqlite:, postgres://… or redis://…; may be repeated; default memory: and sqlite:
--starts N          default 5, behind one that migrates; medians are shown
--seconds N         of each idle phase, default 20
--beside FOLDER     other built packages (node_modules/.ojs-built of another checkout), measured in alternation
--json              one JSON document instead of tables`;

interface Measured {
  readonly who: string;
  readonly storage: string;
  readonly starts: readonly Start[];
  readonly idle: IdleRun;
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', multiple: true, default: ['memory:', 'sqlite:'] },
    starts: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    beside: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const storages = values.storage.map(storageOf);
  const count = whole('starts', values.starts);
  const seconds = positive('seconds', values.seconds);
  const facts = machine();
  if (!values.json) console.log(describeMachine(facts));
  const builds = [{ who: 'here', built: await builtPackages() }];
  if (values.beside !== undefined) builds.push({ who: 'beside', built: values.beside });
  const all = storages.flatMap((storage) => builds.map((build) => ({ ...build, storage })));

  // Each process that runs is stopped with this one.
  process.setMaxListeners(4 * all.length);
  const started = await alternate(
    all.map(({ who, built, storage }) => ({ who: `${who} ${storage}`, run: () => measureStarts(built, storage, 1) })),
    count,
  );
  // Idle processes take nothing from each other, so all of them are watched at once.
  const idle = await Promise.all(all.map(({ built, storage }) => measureIdle({ built, storage, seconds })));
  const measured = all.flatMap(({ who, storage }, at): Measured[] => {
    const [starts, run] = [started[at]?.answers.flat(), idle[at]];
    return starts && run ? [{ who, storage, starts, idle: run }] : [];
  });
  if (values.json) console.log(JSON.stringify({ machine: facts, seconds, measured }, null, 2));
  else console.log(`\n${startTable(measured)}\n\n${idleTable(measured)}`);
}

function startTable(measured: readonly Measured[]): string {
  const rows = measured.map(({ who, storage, starts }) => [
    kindOf(storage) ?? storage,
    who,
    median(starts.map(({ wallMs }) => wallMs)).toFixed(0),
    median(starts.map(({ cpuMs }) => cpuMs)).toFixed(0),
  ]);
  return table(['storage', 'build', 'start to health ms', 'CPU ms'], rows);
}

function idleTable(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ who, storage, idle }) => {
    const row = (what: string, { cpuPercent, wakeUps, residentBytes, proportionalBytes }: Idle) => [
      kindOf(storage) ?? storage,
      who,
      what,
      cpuPercent.toFixed(2),
      wakeUps.toFixed(0),
      mib(residentBytes),
      mib(proportionalBytes),
    ];
    return [row('server', idle.alone), row('server with a worker', idle.attached), row('worker', idle.worker)];
  });
  return table(['storage', 'build', 'process', 'CPU %', 'wake-ups/s', 'resident MiB', 'PSS MiB'], rows, 3);
}

await command('bench idle', usage, main);
