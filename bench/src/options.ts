import { resolve } from 'node:path';
import { parse, storageOf, storageUsage, UsageError, whole } from './arguments.ts';
import type { Mode } from './run.ts';
import type { Scenario } from './task.ts';

export interface Options {
  /** As `storageOf` reads it. */
  readonly storage: string;
  /** Where peers work. */
  readonly peerStorage: string;
  readonly modes: readonly Mode[];
  readonly scenarios: readonly Scenario[];
  readonly jobs: number;
  readonly runs: number;
  readonly json: boolean;
  readonly cpuProfile?: string;
  /** Another checkout to measure in alternation. */
  readonly against?: string;
}

export const usage = `${storageUsage}
--peer-storage STORAGE                  bench:peers: where the peers work, default the same; ours on SQLite beside BullMQ: --peer-storage redis://…
--mode embedded|http|both               default both
--scenario NAMES                        enqueue, batch, drain (= drain-10,drain-100), drain-N, pickup; by commas; default all
--jobs N                                jobs a run, default 100000 (pickup: at most 1000)
--runs N                                runs of each scenario, default 3; the table shows medians
--json                                  one JSON document instead of tables
--against FOLDER                        only bench: another checkout, measured in alternation; ratios of CPU time, this one over that one
--cpu-prof FOLDER                       CPU profiles of every process of the runs`;

/** @throws {UsageError} that says which option was wrong and what was expected. */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    'peer-storage': { type: 'string' },
    mode: { type: 'string', default: 'both' },
    scenario: { type: 'string', default: 'enqueue,batch,drain,pickup' },
    jobs: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    against: { type: 'string' },
    'cpu-prof': { type: 'string' },
  });
  return {
    storage: storageOf(values.storage),
    peerStorage: storageOf(values['peer-storage'] ?? values.storage),
    modes: modesOf(values.mode),
    scenarios: values.scenario.split(',').flatMap(scenariosOf),
    jobs: whole('jobs', values.jobs),
    runs: whole('runs', values.runs),
    json: values.json,
    ...(values.against !== undefined && { against: resolve(values.against) }),
    ...(values['cpu-prof'] !== undefined && { cpuProfile: values['cpu-prof'] }),
  };
}

function modesOf(text: string): readonly Mode[] {
  if (text === 'both') return ['embedded', 'http'];
  if (text === 'embedded' || text === 'http') return [text];
  throw new UsageError(`--mode: expected embedded, http or both, got '${text}'`);
}

function scenariosOf(text: string): readonly Scenario[] {
  if (text === 'enqueue' || text === 'batch' || text === 'pickup') return [{ name: text }];
  if (text === 'drain') return [10, 100].map((concurrency) => ({ name: 'drain', concurrency }));
  const concurrency = /^drain-([1-9]\d{0,3})$/.exec(text)?.[1];
  if (concurrency !== undefined) return [{ name: 'drain', concurrency: Number(concurrency) }];
  throw new UsageError(`--scenario: expected enqueue, batch, drain, drain-N or pickup, got '${text}'`);
}
