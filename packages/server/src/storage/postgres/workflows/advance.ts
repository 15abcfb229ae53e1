import type { Millis } from '@ojs-ts/core';
import { isReady, type WorkflowStep } from '@ojs-ts/core/workflow';
import type { Advanced } from '../../storage.ts';
import { lockAhead } from '../connection/locks.ts';
import type { Transaction } from '../connection/transaction.ts';
import { insertGroups } from '../insert/insert.ts';
import { Graph } from './graph.ts';
import type { LockedNode } from './nodes.ts';

type Start = Extract<WorkflowStep, { readonly kind: 'start' }>;
type Close = Extract<WorkflowStep, { readonly kind: 'close' }>;

const nothing: Advanced = { done: false, inserted: null, ready: [] };

/**
 * Applies steps in their order; neighbouring starts share one insert. Workflows are locked before the jobs are
 * inserted, so that no node starts twice and no job has to be removed again. Unique keys and jobs that may be replaced
 * come before workflows in the order of locks, so they are locked first.
 */
export async function advance(
  tx: Transaction,
  steps: readonly WorkflowStep[],
  now: Millis,
): Promise<readonly Advanced[]> {
  const others = await lockAhead(
    tx,
    steps.flatMap((step) => (step.kind === 'start' ? [step.job] : [])),
  );
  const graph = new Graph(tx);
  await open(graph, steps, others);
  const answers: Advanced[] = [];
  for (const run of runs(steps)) {
    if (run.kind === 'start') answers.push(...(await start(tx, graph, steps, run.steps, now)));
    else answers.push(...run.steps.map((step) => close(tx, graph, step, now)));
  }
  graph.flush();
  return answers;
}

function open(graph: Graph, steps: readonly WorkflowStep[], others: readonly string[] = []): Promise<void> {
  return graph.open(
    steps.map(({ node }) => node),
    { dependents: steps.some(({ kind }) => kind === 'close'), others },
  );
}

type Run = { readonly kind: 'start'; readonly steps: Start[] } | { readonly kind: 'close'; readonly steps: Close[] };

/**
 * Splits steps into runs that do not depend on each other’s answers: closes, or starts of different nodes whose jobs
 * replace none (a replaced job could close nodes).
 */
function runs(steps: readonly WorkflowStep[]): readonly Run[] {
  const found: Run[] = [];
  for (const step of steps) {
    const last = found.at(-1);
    if (step.kind === 'close') {
      if (last?.kind === 'close') last.steps.push(step);
      else found.push({ kind: 'close', steps: [step] });
    } else if (last?.kind === 'start' && joins(step, last.steps)) last.steps.push(step);
    else found.push({ kind: 'start', steps: [step] });
  }
  return found;
}

function joins(step: Start, before: readonly Start[]): boolean {
  if (mayReplace(step) || before.some(mayReplace)) return false;
  return before.every(({ node }) => node.workflow !== step.node.workflow || node.index !== step.node.index);
}

function mayReplace({ job }: Start): boolean {
  return job.unique !== null && job.unique.onConflict !== 'keep';
}

async function start(
  tx: Transaction,
  graph: Graph,
  steps: readonly WorkflowStep[],
  starts: readonly Start[],
  now: Millis,
): Promise<readonly Advanced[]> {
  const fit = starts.filter(({ node, job }) => ready(graph, node)?.job === job.id);
  if (fit.length === 0) return starts.map(() => nothing);
  // The jobs that the insert replaces close their nodes in the database.
  const replaces = fit.some(mayReplace);
  if (replaces) graph.flush();
  // The events of the job come before those of the step.
  const logs = fit.map(() => [tx.log.section(), tx.log.section()] as const);
  const inserted = await insertGroups(
    tx,
    fit.map(({ job }) => [job]),
    now,
    { always: true, logs: logs.map(([job]) => job) },
  );
  if (replaces) await open(graph, steps);
  const answers = new Map(fit.map((step, at) => [step, { inserted: inserted[at]?.[0] ?? null, log: logs[at]?.[1] }]));
  return starts.map((step) => {
    const { inserted = null, log } = answers.get(step) ?? {};
    const node = inserted?.kind === 'inserted' ? graph.node(step.node) : null;
    if (!node) return { ...nothing, inserted };
    graph.start(node);
    log?.add(step.events);
    return { done: true, inserted, ready: [] };
  });
}

function close(tx: Transaction, graph: Graph, step: Close, now: Millis): Advanced {
  const node = ready(graph, step.node);
  if (!node || (step.failed !== undefined && step.failed !== node.failed)) return nothing;
  graph.close(node, step.state, step, now);
  if (step.end) graph.end(node.flow, step.end.state, step.end.text, now);
  tx.log.add(step.events);
  return { done: true, inserted: null, ready: step.end ? [] : graph.lower(node, step.passes) };
}

function ready(graph: Graph, ref: Start['node']): LockedNode | null {
  const node = graph.node(ref);
  return node && node.flow.state === 'running' && isReady(node) ? node : null;
}
