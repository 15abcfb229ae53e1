import { relative } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import type { ChaosRun, Figures, Finding, LossRun, PlantedRun, SimulationRun } from './figures.ts';
import { reasons } from './planted.ts';
import { promises } from './promises.ts';

export const pageFile = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

/** The text of `lab/docs/reliability.md`. */
export function reliabilityPage(figures: Figures): string {
  return `# Reliability

What we promise, how we test each promise, and the figures of the last run. [Guarantees](../../docs/start/guarantees.md) has the promises
in full.

\`npm run reliability\` runs every instrument and writes this page. The full size takes some six hours.
\`npm run reliability -- --share 0.01\` is a try of some minutes. \`--only "chaos on Redis"\` runs one instrument.

## Promises

${table(
  ['promise', 'tested by'],
  promises.map(({ promise, tests }) => [
    promise,
    tests.map(({ name, file }) => `[${name}](${relative('lab/docs', file)})`).join(', '),
  ]),
)}

## Instruments

- [Simulation](../simulation/README.md): SDK, server and storage in one process on a virtual clock. One seed
  decides every time, every random number and every order. The network, processes, clocks and the store fail.
- [Chaos](../chaos/README.md): real servers, workers and clients on a real store. Processes are killed and stopped,
  connections are cut or slow, disks are full, clocks are wrong.
- [Loss of power](../chaos/README.md#loss-of-power): every write to a SQLite file is recorded. Each loss keeps what was
  synchronised, and any part of the rest.
- [The checker](../checker/README.md) judges the history of each run: calls, answers and events.
- [Conformance cases](../../conformance/README.md) check each rule of the specification over HTTP.

## Figures

${table(
  ['instrument', 'size', 'violations', 'commit', 'day', 'command'],
  (['simulation on memory', 'simulation on SQLite'] as const)
    .map((name) => row(name, figures[name], simulationRow))
    .concat(
      (['chaos on SQLite', 'chaos on PostgreSQL', 'chaos on Redis'] as const).map((name) =>
        row(name, figures[name], chaosRow),
      ),
    )
    .concat([row('loss of power', figures['loss of power'], lossRow)]),
)}

${chaosFaults(figures)}## Planted bugs

A test that cannot fail shows nothing. So we put bugs into the product and count how long an instrument takes to find
each. The first half of the bugs is our own choice. The other half was drawn by seed from those of the
[conformance cases](../bugs/README.md).

${planted(figures['planted bugs'])}

## Limits

- The simulation runs no threads and no HTTP. Chaos has both.
- The simulation sends one call at a time to PostgreSQL or Redis. Races between their transactions belong to chaos and to
  the tests of each storage.
- A loss of power is tried on SQLite only. PostgreSQL and Redis have tests of their own for that.
- A job can run twice on a slow network if its worker sends no \`open_fetches\` in heartbeats, as clients of other
  projects do. If an answer to a fetch is slower than two heartbeats, the server takes that answer for lost. The old lease is
  refused.
- A server knows the clock of PostgreSQL or Redis to a round trip. A lease or the window of a rate can end early by that much.
- A job that an operator deletes can come back: a late copy of the request that enqueued it finds its id free again.
  Its claims are counted anew, so a worker of the deleted job can end the new one.
- A cron that is removed and registered again can run twice for one of its times, if the clocks of servers differ.
- Redis keeps what \`appendfsync\` promises. With \`everysec\`, a crash of the Redis server can lose the last second.
- A run without violations shows that these seeds and these minutes broke no rule. Other seeds may.
`;
}

type Row = readonly [size: string, violations: string];

function row<T extends { readonly commit: string; readonly day: string; readonly command: string }>(
  name: string,
  run: T | undefined,
  cells: (run: T) => Row,
): readonly string[] {
  if (run === undefined) return [name, 'not run yet', '', '', '', ''];
  return [name, ...cells(run), run.commit, run.day, `\`${run.command}\``];
}

function simulationRow({ seeds, hours, jobs, executions, failed }: SimulationRun): Row {
  const size = `${count(seeds)} seeds, ${count(hours)} simulated hours, ${count(jobs)} jobs, ${count(executions)} executions`;
  return [size, failed.length === 0 ? '0' : `${failed.length} (seeds ${failed.slice(0, 10).join(', ')})`];
}

function chaosRow({ minutes, jobs, records, violations }: ChaosRun): Row {
  return [`${count(minutes)} minutes, ${count(jobs)} jobs, ${count(records)} records`, count(violations)];
}

function lossRow({ losses, failed, jobs, lostBytes }: LossRun): Row {
  const size = `${count(losses)} losses, ${count(jobs)} acknowledged jobs looked for, ${count(lostBytes / 1_048_576)} MiB lost`;
  return [size, count(failed)];
}

function chaosFaults(figures: Figures): string {
  const runs = [
    ['SQLite', figures['chaos on SQLite']],
    ['PostgreSQL', figures['chaos on PostgreSQL']],
    ['Redis', figures['chaos on Redis']],
  ] as const;
  const kinds = [...new Set(runs.flatMap(([, run]) => Object.keys(run?.faults ?? {})))].sort();
  if (kinds.length === 0) return '';
  const rows = kinds.map((kind) => [kind, ...runs.map(([, run]) => count(run?.faults[kind] ?? 0))]);
  return `Failures of the runs of chaos:\n\n${table(['failure', ...runs.map(([name]) => name)], rows)}\n\n`;
}

function planted(run: PlantedRun | undefined): string {
  if (run === undefined) return 'Not run yet.';
  const { findings, tries, commit, day, command } = run;
  const found = findings.filter((one) => one.found !== null).length;
  const rows = findings.map((one) => [
    `\`${one.name}\``,
    one.breaks,
    one.instrument,
    verdictOf(one),
    String(one.after),
  ]);
  return `\`${command}\` at ${commit}, ${day}: ${found} of ${findings.length} bugs were found by their instrument within ${tries} seeds or
losses of power.

${table(['bug', 'breaks', 'instrument', 'found by', 'after'], rows)}`;
}

function verdictOf({ name, found, instead }: Finding): string {
  if (found !== null) return found;
  const reason = reasons[name] ?? 'no reason known';
  return instead === null ? `not found: ${reason}` : `missed: ${reason}; case ${instead}`;
}

function count(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: number < 10 ? 1 : 0 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
