import { isObject } from '@ojs-ts/core';
import { readEntries } from '@ojs-ts/core/events';
import type { WorkflowRecord } from '@ojs-ts/core/workflow';
import type { Storage } from '../../../../packages/server/src/storage/storage.ts';
import type { Problem } from '../context.ts';

/** What the log says of one workflow. */
interface Told {
  ends: number;
  reopened: number;
  /** By step, how often it completed. */
  readonly completed: Map<string, number>;
  callbacks: number;
}

/**
 * A step completes once. A workflow ends once more than it was opened again, and the callback of a batch fires for each
 * end; the checker says how often at most. What has ended says so of all its steps.
 */
export async function workflowProblems(storage: Storage): Promise<readonly Problem[]> {
  const told = await toldOf(storage);
  const problems: Problem[] = [];
  const { items } = await storage.workflows.list({ states: null, limit: 1_000_000 });
  for (const workflow of items) {
    const { id, kind, state } = workflow;
    const broken = (message: string) => problems.push({ rule: 'workflows', message: `workflow ${id} ${message}` });
    const { ends, reopened, completed, callbacks } = told.get(id) ?? newTold();
    for (const [step, times] of completed) if (times > 1) broken(`completed step ${step} ${times} times`);
    if (state === 'running' || state === 'cancelled') continue;
    if (ends !== reopened + 1) broken(`ended ${ends} times and was opened again ${reopened} times`);
    if (kind === 'batch' && callbacks < ends) broken(`fired ${callbacks} callbacks at ${ends} ends`);
    for (const message of await flawsOf(storage, workflow)) broken(message);
  }
  return problems;
}

async function flawsOf(storage: Storage, workflow: WorkflowRecord): Promise<readonly string[]> {
  const nodes = await storage.workflows.nodes(workflow.id, -1, 1_000_000);
  const members = nodes.filter(({ member }) => member);
  const flaws = nodes
    .filter(({ closedAt, open }) => closedAt === null || open !== 0)
    .map(({ name, state, open }) => `has ended, and node ${name} is ${state} with ${open} open dependencies`);
  for (const state of ['completed', 'failed', 'cancelled'] as const) {
    const count = members.filter((node) => node.state === state).length;
    if (count !== workflow[state]) flaws.push(`counts ${workflow[state]} ${state} steps of ${count}`);
  }
  if (workflow.state === 'failed' && nodes.slice(0, -1).every((node) => node.state === 'completed'))
    flaws.push('failed, and every step completed');
  return flaws;
}

async function toldOf(storage: Storage): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>();
  for (const { entries } of (await storage.events(0, 1_000_000)).batches)
    for (const entry of readEntries(entries)) {
      const [kind, id] = entry;
      if (!kind.startsWith('workflow.') || id === null) continue;
      const one = told.get(id) ?? newTold();
      told.set(id, one);
      if (kind === 'workflow.completed' || kind === 'workflow.failed') one.ends += 1;
      if (kind === 'workflow.reopened') one.reopened += 1;
      const data = entry.at(-1);
      if (!isObject(data)) continue;
      if (kind === 'workflow.callback_fired') one.callbacks += 1;
      const step = String(data.step_id);
      if (kind === 'workflow.step_completed' || kind === 'workflow.job_completed')
        one.completed.set(step, (one.completed.get(step) ?? 0) + 1);
    }
  return told;
}

function newTold(): Told {
  return { ends: 0, reopened: 0, completed: new Map(), callbacks: 0 };
}
