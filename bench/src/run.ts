import { cliOf, oursOf, runChild } from './child.ts';
import { startServer } from './server.ts';
import { latency } from './statistics.ts';
import { freshStore } from './store.ts';
import type { Latency, Outcome, Rate, Scenario } from './task.ts';

/** `embedded`: engine and worker in one process. `http`: `ojs serve` in one, client and worker in another. */
export type Mode = 'embedded' | 'http';

export interface RunOptions {
  readonly storage: string;
  readonly jobs: number;
  readonly cpuProfile?: string;
  /** Another checkout, whose code is measured. */
  readonly folder?: string | undefined;
}

export type Figure = (Rate | Latency) & { readonly durability: string };

/** A user feels a single pickup, so a thousand of them say enough. */
const pickups = 1_000;

export function jobsOf(scenario: Scenario, jobs: number): number {
  return scenario.name === 'pickup' ? Math.min(jobs, pickups) : jobs;
}

/** One scenario on a fresh store in fresh processes. */
export async function runOurs(scenario: Scenario, mode: Mode, options: RunOptions): Promise<Figure> {
  await using store = await freshStore(options.storage);
  const { settings } = store;
  const jobs = jobsOf(scenario, options.jobs);
  const child = options.cpuProfile === undefined ? {} : { cpuProfile: options.cpuProfile };
  const { folder } = options;
  const ours = oursOf(folder);
  if (mode === 'embedded')
    return figureOf(await runChild(ours, { scenario, jobs, target: { storage: store.storage } }, child), settings);
  await using server = await startServer(store.storage, {
    ...child,
    ...(folder !== undefined && { cli: cliOf(folder) }),
  });
  const task = { scenario, jobs, target: { url: server.url, pid: server.pid } };
  if (scenario.name !== 'pickup') return figureOf(await runChild(ours, task, child), settings);
  const ready = Promise.withResolvers<void>();
  const worker = runChild(ours, { ...task, role: 'worker' }, { ...child, onReady: ready.resolve });
  await Promise.race([ready.promise, worker]);
  const [sent, started] = await Promise.all([runChild(ours, { ...task, role: 'producer' }, child), worker]);
  return { ...latency(timesOf(sent), timesOf(started)), durability: durabilityOf(sent, settings) };
}

/** @param settings of the database, as {@link FreshStore} tells them. */
export function figureOf(outcome: Outcome, settings: string): Figure {
  if (outcome.kind === 'times') throw new Error('half a latency is no figure');
  return { ...outcome, durability: durabilityOf(outcome, settings) };
}

function durabilityOf({ durability }: Outcome, settings: string): string {
  return settings === '' ? durability : `${durability} (${settings})`;
}

function timesOf(outcome: Outcome): readonly number[] {
  if (outcome.kind !== 'times') throw new Error(`expected times, got a ${outcome.kind}`);
  return outcome.times;
}
