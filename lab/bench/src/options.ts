import { resolve } from 'node:path';
import { parse, storageOf, storageUsage, UsageError, whole } from './arguments.ts';
import type { Mode } from './run.ts';
import type { Scenario } from './task.ts';

export interface Options extends Work {
  /** As `storageOf` reads it. */
  readonly storage: string;
  /** Another checkout to measure in alternation. */
  readonly against?: string;
}

/** What runs, wherever. */
export interface Work {
  readonly modes: readonly Mode[];
  readonly scenarios: readonly Scenario[];
  readonly jobs: number;
  readonly runs: number;
  readonly json: boolean;
  readonly cpuProfile?: string;
}

export const workUsage = `--mode embedded|http|both               default both
--scenario NAMES                        enqueue, enqueue-N (callers), batch, drain (= drain-10,drain-100), drain-N, drain-N-deleting, pickup; by commas
--jobs N                                jobs a run, default 100000 (pickup: at most 1000)
--runs N                                runs of each scenario, default 3; the table shows medians
--json                                  one JSON document instead of tables
--cpu-prof FOLDER                       CPU profiles of every process of the runs`;

export const usage = `${storageUsage}
--against FOLDER                        another checkout, measured in alternation; ratios of CPU time, this one over that one
${workUsage}`;

/** For {@link workOf}. */
export const workOptions = {
  mode: { type: 'string', default: 'both' },
  scenario: { type: 'string', default: 'enqueue,batch,drain,pickup' },
  jobs: { type: 'string', default: '100000' },
  runs: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
  'cpu-prof': { type: 'string' },
} as const;

/** @throws {UsageError} that says which option was wrong and what was expected. */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite:' },
    against: { type: 'string' },
    ...workOptions,
  });
  return {
    storage: storageOf(values.storage),
    ...workOf(values),
    ...(values.against !== undefined && { against: resolve(values.against) }),
  };
}

export function workOf(values: {
  readonly mode: string;
  readonly scenario: string;
  readonly jobs: string;
  readonly runs: string;
  readonly json: boolean;
  readonly 'cpu-prof'?: string;
}): Work {
  return {
    modes: modesOf(values.mode),
    scenarios: values.scenario.split(',').flatMap(scenariosOf),
    jobs: whole('jobs', values.jobs),
    runs: whole('runs', values.runs),
    json: values.json,
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
  const [, callers] = /^enqueue-([1-9]\d{0,3})$/.exec(text) ?? [];
  if (callers !== undefined) return [{ name: 'enqueue', callers: Number(callers) }];
  const [, concurrency, deleting] = /^drain-([1-9]\d{0,3})(-deleting)?$/.exec(text) ?? [];
  if (concurrency !== undefined)
    return [{ name: 'drain', concurrency: Number(concurrency), ...(deleting && { deleting: true }) }];
  throw new UsageError(
    `--scenario: expected enqueue, enqueue-N, batch, drain, drain-N, drain-N-deleting or pickup, got '${text}'`,
  );
}
