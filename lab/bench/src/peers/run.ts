import { runChild } from '../child.ts';
import { watchMemory } from '../peak-memory.ts';
import { type Figure, figureOf, jobsOf, type RunOptions } from '../run.ts';
import { freshStore } from '../store.ts';
import type { Scenario } from '../task.ts';
import type { Peer } from './contestants.ts';

/** One scenario with a peer, on a fresh store in a fresh process. */
export async function runPeer(
  { entry, program }: Peer,
  scenario: Scenario,
  { storage, jobs, warm = 0, cpuProfile }: RunOptions,
): Promise<Figure> {
  await using store = await freshStore(storage);
  using memory = watchMemory(scenario, store.pid);
  const target = { storage: store.storage };
  const task = { scenario, jobs: jobsOf(scenario, jobs), warm, storePid: store.pid, target };
  const outcome = await runChild(entry, task, {
    ...(cpuProfile !== undefined && { cpuProfile }),
    ...(program !== undefined && { program }),
    onStart: (pid) => memory?.add(pid),
  });
  return figureOf(outcome, store.settings, memory);
}
