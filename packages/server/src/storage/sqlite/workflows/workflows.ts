import type { Millis } from '@ojs-ts/core';
import { cursorOf, type Json, type NewJob, type NodeRef, readCursor } from '@ojs-ts/core/job';
import { isPlainJob } from '@ojs-ts/core/lifecycle';
import { isReady, isSameWorkflow, type NewNode, type NewWorkflow, type WorkflowStep } from '@ojs-ts/core/workflow';
import { integer, text } from '../../cells.ts';
import type { Advanced, NodeRecord, Page, WorkflowRecord, Workflows } from '../../storage.ts';
import type { Connection } from '../disk/connection.ts';
import type { GroupCommit } from '../disk/group-commit.ts';
import { insertGroup } from '../insert.ts';
import { statements } from '../statements.ts';
import type { Transaction } from '../transaction.ts';
import type { Flow } from './graph.ts';

const none: readonly NodeRef[] = [];
const noStarts: ReadonlyMap<number, NewJob> = new Map();
const nothing: Advanced = { done: false, inserted: null, ready: none };
const allStates = ['running', 'completed', 'failed', 'cancelled'] as const;

export function workflows(sql: Connection, store: GroupCommit): Workflows {
  return {
    create: (workflow, nodes, events, now, starts) =>
      store.write((tx) => create(tx, workflow, nodes, events, now, starts)),

    get: (id) => store.read(() => find(sql, id)),

    getAll: (ids) => store.read(() => ids.map((id) => find(sql, id))),

    list: (query) => store.read(() => list(sql, query)),

    nodes: (id, after, limit) =>
      store.read(() => {
        const flow = sql.get(statements.flow, id);
        if (!flow) return [];
        const { firstNode, lastNode } = flow;
        return sql.all(statements.nodes, firstNode + after, lastNode, limit).map((node) => nodeRecord(flow, node));
      }),

    node: (refs) =>
      store.read(() =>
        refs.map(({ workflow, index }) => {
          const flow = sql.get(statements.flow, workflow);
          const number = flow ? flow.firstNode + index : 0;
          if (!flow || index < 0 || number > flow.lastNode) return null;
          const node = sql.get(statements.nodes, number - 1, number, 1);
          return node ? nodeRecord(flow, node) : null;
        }),
      ),

    advance: (steps, now) =>
      store.write((tx) => {
        const answers = steps.map((step) => advance(tx, step, now));
        tx.end(now);
        return answers;
      }),

    cancel: (id, events, now) =>
      store.write((tx) => {
        const flow = tx.graph.flow(id);
        if (flow?.state !== 'running') return false;
        tx.graph.cancel(flow, now);
        tx.log.add(events);
        tx.end(now);
        return true;
      }),

    swept: (id) =>
      store.write((tx) => {
        const flow = tx.graph.flow(id);
        if (flow) tx.graph.swept(flow);
      }),

    unfinished: (limit) =>
      store.read(() => {
        const ready: NodeRef[] = [];
        for (const flow of sql.all(statements.unfinished, limit)) {
          if (ready.length >= limit) break;
          ready.push(...readyOf(sql, flow, limit - ready.length));
        }
        return { ready, sweeping: sql.values(statements.sweeping, limit).map(text) };
      }),
  };
}

function create(
  tx: Transaction,
  workflow: NewWorkflow,
  nodes: readonly NewNode[],
  events: readonly Json[],
  now: Millis,
  starts: ReadonlyMap<number, NewJob> = noStarts,
): Awaited<ReturnType<Workflows['create']>> {
  tx.graph.flush();
  const existing = find(tx.sql, workflow.id);
  const flow = existing && tx.graph.flow(workflow.id);
  if (flow) {
    if (!isSameWorkflow(existing, workflow)) return { kind: 'duplicate', workflow: existing, ready: none };
    const ready = flow.state === 'running' ? readyOf(tx.sql, flow, flow.ready) : none;
    return { kind: 'already', workflow: existing, ready };
  }
  const first = integer(tx.sql.value('SELECT coalesce(max(number), 0) + 1 FROM ojs_nodes'));
  const last = nodes.reduce((max, { index }) => Math.max(max, index), -1) + first;
  const { id, name, kind, spec, total } = workflow;
  const ready: NodeRef[] = [];
  tx.log.add(events);
  for (const { index, open, member, name, job, next, spec } of nodes) {
    // One write instead of two and no further commit: the jobs of a group start at half the cost.
    const node = { workflow: id, index };
    const isStarted = open === 0 && isInserted(tx, starts.get(index), node, now);
    if (open === 0 && !isStarted) ready.push(node);
    const state = isStarted ? 'pending' : 'waiting';
    tx.sql.change(statements.makeNode, first + index, state, open, member ? 1 : 0, name, job, JSON.stringify(next));
    tx.sql.change(statements.makeNodeSpec, first + index, spec);
  }
  tx.sql.change(statements.makeFlow, id, first, last, total, ready.length, now, name, kind, spec);
  tx.graph.made(id);
  tx.end(now);
  const made = find(tx.sql, id);
  if (!made) throw new Error(`Workflow ${id} vanished within a transaction.`);
  return { kind: 'created', workflow: made, ready: ready.sort((a, b) => a.index - b.index) };
}

/**
 * Leaves a job with a unique key to `advance`: the job may replace another one of this workflow, whose nodes do not all
 * exist yet.
 */
function isInserted(tx: Transaction, job: NewJob | undefined, node: NodeRef, now: Millis): boolean {
  if (job === undefined || !isPlainJob(job)) return false;
  const [inserted] = insertGroup(tx, [{ ...job, node }], now, { always: true });
  return inserted?.kind === 'inserted';
}

function advance(tx: Transaction, step: WorkflowStep, now: Millis): Advanced {
  const { graph } = tx;
  const flow = graph.flow(step.node.workflow);
  const node = flow && graph.node(flow, step.node.index);
  if (flow?.state !== 'running' || !node || !isReady(node)) return nothing;
  if (step.kind === 'start') {
    if (step.job.id !== node.job) return nothing;
    const [inserted = null] = insertGroup(tx, [step.job], now, { always: true });
    if (inserted?.kind !== 'inserted') return { ...nothing, inserted };
    graph.start(flow, node);
    tx.log.add(step.events);
    return { done: true, inserted, ready: none };
  }
  if (step.failed !== undefined && step.failed !== node.failed) return nothing;
  graph.close(flow, node, step.state, step, now);
  if (step.end) graph.end(flow, step.end.state, step.end.text, now);
  tx.log.add(step.events);
  return { done: true, inserted: null, ready: step.end ? none : graph.lower(flow, node, step.passes) };
}

function list(
  sql: Connection,
  { states, after, offset, limit }: Parameters<Workflows['list']>[0],
): Page<WorkflowRecord> & { readonly total: number } {
  const wanted = states ?? allStates;
  const before = after === undefined ? Number.MAX_SAFE_INTEGER : readCursor(after).number;
  const skip = after === undefined ? (offset ?? 0) : 0;
  const size = skip + limit + 1;
  // The newest of each state, then the newest of all.
  const numbers = wanted.flatMap((state) => sql.values(statements.flowsDown, state, before, size).map(integer));
  const found = numbers.sort((a, b) => b - a).slice(skip, size);
  const page = found.slice(0, limit);
  const items = page.flatMap((number) => sql.get(statements.flowByNumber, number) ?? []);
  const last = page.at(-1);
  const next = last !== undefined && found.length > page.length ? cursorOf({ finishedAt: null, number: last }) : null;
  const total = wanted.reduce((sum, state) => sum + integer(sql.value(statements.flowCount, state) ?? 0), 0);
  return { items, next, total };
}

type Range = Pick<Flow, 'id' | 'firstNode' | 'lastNode'>;

function readyOf(sql: Connection, { id, firstNode, lastNode }: Range, limit: number): readonly NodeRef[] {
  return sql
    .values(statements.readyNodes, firstNode, lastNode, limit)
    .map((number) => ({ workflow: id, index: integer(number) - firstNode }));
}

function find(sql: Connection, id: string): WorkflowRecord | null {
  return sql.get(statements.flowById, id) ?? null;
}

export function nodeRecord(
  { id, firstNode }: Pick<Range, 'id' | 'firstNode'>,
  { number, ...node }: ReturnType<typeof statements.nodes.read>,
): NodeRecord {
  return { workflow: id, index: number - firstNode, ...node };
}
