import { uuidv7 } from '@ojs-ts/core';
import { type NewJob, type NodeRef, State } from '@ojs-ts/core/job';
import { compile, startNode, type WorkflowStep } from '@ojs-ts/core/workflow';
import type { Storage } from '@ojs-ts/server';

/** Kinds of jobs that a storage handles differently. */
export const kinds = ['plain', 'limited', 'unique', 'workflow'] as const;
export type Kind = (typeof kinds)[number];

/** What makes the n-th job one of this kind. */
export function patchOf(kind: Kind, n: number): Partial<NewJob> {
  switch (kind) {
    case 'plain':
    case 'workflow':
      return {};
    // A hundred customers whose jobs interleave, none of whom the limit holds back.
    case 'limited':
      return { limits: [{ key: `customer:${n % 100}`, concurrency: 1_000, rates: [] }] };
    case 'unique':
      return { unique: { key: `unique-${n}`, states: unfinished, createdAfter: null, onConflict: 'keep' } };
  }
}

const unfinished = State.scheduled | State.available | State.pending | State.active | State.retryable;

/** Inserts the jobs together: those of `workflow` as a group. */
export async function insertTogether(
  storage: Storage,
  kind: Kind,
  jobs: readonly NewJob[],
  now: number,
): Promise<void> {
  if (kind === 'workflow') return insertGroup(storage, jobs, now);
  const [answers] = await storage.jobs.insert([jobs], now);
  const refused = answers?.find(({ kind }) => kind !== 'inserted');
  if (refused !== undefined) throw new Error(`a job was not inserted but ${refused.kind}`);
}

/** As the engine does: the storage may start the jobs with their workflow, or leave that to steps of 500. */
async function insertGroup({ workflows }: Storage, jobs: readonly NewJob[], now: number): Promise<void> {
  const id = uuidv7();
  const { nodes } = compile({
    kind: 'group',
    name: '',
    key: 'jobs',
    items: jobs.map(({ id, envelope }, at) => ({ kind: 'job', name: String(at), id, text: envelope, options: null })),
    after: jobs.map(() => []),
    callbacks: [],
    listed: false,
  });
  const workflow = { id, name: 'bench', kind: 'group', spec: '{}', total: jobs.length };
  const { ready } = await workflows.create(workflow, nodes, [], now, new Map(jobs.entries()));
  const steps = ready.flatMap(({ index }) => {
    const job = jobs[index];
    return job === undefined ? [] : [startNode(id, index, job)];
  });
  for (let at = 0; at < steps.length; at += 500) {
    const answers = await workflows.advance(steps.slice(at, at + 500), now);
    if (!answers.every(({ done }) => done)) throw new Error('a job of a group was not started');
  }
}

/** Ends the groups whose last nodes are ready. */
export async function endGroups({ workflows }: Storage, ready: readonly NodeRef[], now: number): Promise<void> {
  if (ready.length === 0) return;
  const close = { kind: 'close', state: 'completed', passes: true, result: null, error: null, events: [] } as const;
  const steps: readonly WorkflowStep[] = ready.map((node) => ({
    ...close,
    node,
    end: { state: 'completed', text: null },
  }));
  await workflows.advance(steps, now);
}
