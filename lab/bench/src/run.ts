import { cliOf, oursOf, runChild } from './child.ts';
import { type PeakMemory, watchMemory } from './peak-memory.ts';
import { startServer } from './server.ts';
import { latency } from './statistics.ts';
import { freshStore } from './store.ts';
import type { Latency, Outcome, Paced, Rate, Scenario } from './task.ts';
import { deletingEnvironment } from './terms.ts';

/** `embedded`: engine and worker in one process. `http`: `ojs serve` in one, client and worker in another. */
export type Mode = 'embedded' | 'http';

export interface RunOptions {
  readonly storage: string;
  readonly jobs: number;
  /** See the task. */
  readonly warm?: number;
  readonly cpuProfile?: string;
  /** Another checkout, whose code is measured. */
  readonly folder?: string | undefined;
}

export type Figure = (Rate | Latency | Paced) & {
  readonly durability: string;
  /** The most memory of all processes at once, the store's included; null for a latency, and where the system does not say. */
  readonly memoryBytes: number | null;
};

/** A user feels a single pickup, so a thousand of them say enough. */
const pickups = 1_000;

export function jobsOf(scenario: Scenario, jobs: number): number {
  return scenario.name === 'pickup' ? Math.min(jobs, pickups) : jobs;
}

/** One scenario on a fresh store in fresh processes; over HTTP with as many servers on that store. */
export async function runOurs(scenario: Scenario, mode: Mode, options: RunOptions, servers = 1): Promise<Figure> {
  await using store = await freshStore(options.storage);
  using memory = watchMemory(scenario, store.pid);
  const { settings } = store;
  const jobs = jobsOf(scenario, options.jobs);
  const { folder, warm = 0 } = options;
  const ours = oursOf(folder);
  const child = {
    ...(options.cpuProfile !== undefined && { cpuProfile: options.cpuProfile }),
    onStart: (pid: number | undefined) => memory?.add(pid),
  };
  if (mode === 'embedded') {
    const task = { scenario, jobs, warm, storePid: store.pid, target: { storage: store.storage } };
    return figureOf(await runChild(ours, task, child), settings, memory);
  }
  await using started = new AsyncDisposableStack();
  const env = scenario.name === 'drain' && scenario.deleting ? deletingEnvironment : {};
  const start = async () => {
    const program = folder === undefined ? {} : { cli: cliOf(folder) };
    return started.use(await startServer(store.storage, { cpuProfile: options.cpuProfile, env, ...program }));
  };
  const first = await start();
  const all = [first];
  while (all.length < servers) all.push(await start());
  for (const { pid } of all) memory?.add(pid);
  const others = all.slice(1).map(({ url, pid }) => ({ url, pid }));
  const target = { url: first.url, pid: first.pid, ...(others.length > 0 && { others }) };
  const task = { scenario, jobs, warm, storePid: store.pid, target };
  if (scenario.name !== 'pickup') return figureOf(await runChild(ours, task, child), settings, memory);
  const ready = Promise.withResolvers<void>();
  const worker = runChild(ours, { ...task, role: 'worker' }, { ...child, onReady: ready.resolve });
  await Promise.race([ready.promise, worker]);
  const [sent, received] = await Promise.all([runChild(ours, { ...task, role: 'producer' }, child), worker]);
  const times = latency(timesOf(sent), timesOf(received));
  return figureOf({ ...times, durability: sent.durability }, settings, memory);
}

/** @param settings of the database, as {@link FreshStore} tells them. */
export function figureOf(outcome: Outcome, settings: string, memory: PeakMemory | null): Figure {
  if (outcome.kind === 'times') throw new Error('half a latency is no figure');
  const durability = settings === '' ? outcome.durability : `${outcome.durability} (${settings})`;
  return { ...outcome, durability, memoryBytes: memory?.bytes ?? null };
}

function timesOf(outcome: Outcome): readonly number[] {
  if (outcome.kind !== 'times') throw new Error(`expected times, got a ${outcome.kind}`);
  return outcome.times;
}
