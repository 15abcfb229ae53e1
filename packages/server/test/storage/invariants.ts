import { readEntries } from '@ojs-ts/core/events';
import { State, Terminal } from '@ojs-ts/core/job';
import type { NodeRecord, Storage } from '../../src/storage/storage.ts';
import { countErrors } from './suite/tools.ts';

/** What must hold of every store at any time, whatever its callers went through. */
export async function invariantErrors(storage: Storage): Promise<readonly string[]> {
  return [...(await countErrors(storage)), ...(await positionErrors(storage)), ...(await workflowErrors(storage))];
}

/** The log has every position from the oldest to the newest, each once and in order. */
async function positionErrors(storage: Storage): Promise<readonly string[]> {
  const { batches, oldest, newest } = await storage.events(0, 1_000_000);
  const errors: string[] = [];
  let next = oldest;
  for (const { position, count, entries } of batches) {
    const told = readEntries(entries).length;
    if (position !== next) errors.push(`a batch begins at ${position}, expected ${next}`);
    if (told !== count) errors.push(`the batch at ${position} has ${told} events, not ${count}`);
    next = position + count;
  }
  if (newest !== next - 1) errors.push(`the newest event is ${newest}, expected ${next - 1}`);
  return errors;
}

/** What a workflow counts are its members that have ended, and a node that has a job waits for it. */
async function workflowErrors(storage: Storage): Promise<readonly string[]> {
  const errors: string[] = [];
  const { items } = await storage.workflows.list({ states: null, limit: 1_000_000 });
  for (const { id, ...counts } of items) {
    const nodes = await storage.workflows.nodes(id, -1, 1_000_000);
    for (const state of ['completed', 'failed', 'cancelled'] as const) {
      const there = nodes.filter((node) => node.member && node.state === state).length;
      if (there !== counts[state]) errors.push(`workflow ${id} counts ${counts[state]} ${state}, ${there} are there`);
    }
    errors.push(...(await jobErrors(storage, nodes)));
  }
  return errors;
}

async function jobErrors(storage: Storage, nodes: readonly NodeRecord[]): Promise<readonly string[]> {
  const pending = nodes.filter(({ state }) => state === 'pending');
  const jobs = await storage.jobs.get(pending.map(({ job }) => job ?? ''));
  return pending.flatMap(({ workflow, index }, at) => {
    const job = jobs[at];
    const isItsOwn = job?.node?.workflow === workflow && job.node.index === index;
    if (isItsOwn && (job.state & Terminal) === 0) return [];
    return [`node ${index} of ${workflow} waits for a job that is ${job ? `in state ${job.state}` : 'missing'}`];
  });
}

export interface Rules {
  /** By job id: its unique key, which every unfinished job holds. */
  readonly holders: ReadonlyMap<string, string>;
  /** By job id: the key of a limit. */
  readonly limited: ReadonlyMap<string, string>;
  /** By key: how many may be active at once. */
  readonly slots: ReadonlyMap<string, number>;
  /** Jobs that somebody deleted, which the log does not tell: a late copy of the call that made one makes it anew. */
  readonly removed?: ReadonlySet<string>;
}

/**
 * Plays the log of events: every change begins where the one before ended, a job ends once, no job is created while
 * another holds its unique key, and a limit is never exceeded. Two jobs may hold a key where an operator starts one anew
 * that had ended: uniqueness is checked when a job is created (ojs-unique-jobs §9.2).
 */
export async function historyErrors(
  storage: Storage,
  { holders, limited, slots, removed }: Rules,
): Promise<readonly string[]> {
  const errors: string[] = [];
  const states = new Map<string, State>();
  const last = new Map<string, string>();
  const held = new Map<string, Set<string>>();
  const active = new Map<string, Set<string>>();
  for (const batch of (await storage.events(0, 1_000_000)).batches) {
    const entries = readEntries(batch.entries);
    const created = new Set<string>();
    for (const [kind, id, type, , from, to] of entries) {
      if (id === null || type === null || to === null || from === to) continue;
      // One change may have several events, which all tell it.
      const change = `${from} ${to}`;
      const known = states.get(id) ?? null;
      if (known === to && last.get(id) === change) continue;
      const isAnew = from === null && removed?.has(id) === true;
      if (known !== from && !isAnew && !(known === null && from === State.pending))
        errors.push(`${kind} of ${id} goes from ${from}, but it was in ${known}`);
      states.set(id, to);
      last.set(id, change);
      const unique = holders.get(id);
      if (unique !== undefined) note(held, unique, id, (to & Terminal) === 0);
      if (unique !== undefined && from === null) created.add(unique);
      const key = limited.get(id);
      if (key !== undefined) note(active, key, id, to === State.active);
    }
    // Within a batch a job makes way for another: only what a commit left counts.
    for (const key of created) {
      const count = held.get(key)?.size ?? 0;
      if (count > 1) errors.push(`${key} has ${count} holders after position ${batch.position}`);
    }
    for (const [key, jobs] of active) {
      const most = slots.get(key) ?? 0;
      if (jobs.size > most)
        errors.push(`${key} has ${jobs.size} active jobs after position ${batch.position}, ${most} may`);
    }
  }
  return errors;
}

function note(sets: Map<string, Set<string>>, key: string, id: string, isIn: boolean): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set);
  if (isIn) set.add(id);
  else set.delete(id);
}
