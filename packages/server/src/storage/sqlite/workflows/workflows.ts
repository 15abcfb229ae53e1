import type { Millis } from '@ojs-ts/core';
import { cursorOf, type Json, type NewJob, type NodeRef, readCursor } from '@ojs-ts/core/job';
import { isPlainJob } from '@ojs-ts/core/lifecycle';
import { isReady, isSameWorkflow, type NewNode, type NewWorkflow, type WorkflowStep } from '@ojs-ts/core/workflow';
import { readNode, readWorkflow } from '../../rows.ts';
import type { Advanced, NodeRecord, Page, WorkflowRecord, Workflows } from '../../storage.ts';
import type { Connection } from '../disk/connection.ts';
import type { GroupCommit } from '../disk/group-commit.ts';
import { insertGroup } from '../insert.ts';
import { type Cells, integer, readNumbers, text } from '../row.ts';
import { statements } from '../statements.ts';
import type { Transaction } from '../transaction.ts';

const none: readonly NodeRef[] = [];
const noStarts: ReadonlyMap<number, NewJob> = new Map();
const nothing: Advanced = { done: false, inserted: null, ready: none };
const allStates = ['running', 'completed', 'failed', 'cancelled'] as const;

export function workflows(sql: Connection, store: GroupCommit): Workflows {
  return {
    create: (workflow, nodes, events, now, starts) =>
      store.write((tx) => create(tx, workflow, nodes, events, now, starts)),

    get: (id) => store.read(() => find(sql, id)),

    list: (query) => store.read(() => list(sql, query)),

    nodes: (id, after, limit) =>
      store.read(() => {
        const cells = sql.get(statements.flow, id);
        if (!cells) return [];
        const [first, last] = [integer(cells[1]), integer(cells[2])];
        return sql.all(statements.nodes, first + after, last, limit).map((cells) => readNodeRecord(id, first, cells));
      }),

    node: (refs) =>
      store.read(() =>
        refs.map(({ workflow, index }) => {
          const cells = sql.get(statements.flow, workflow);
          if (!cells) return null;
          const [first, last] = [integer(cells[1]), integer(cells[2])];
          if (index < 0 || first + index > last) return null;
          const [node] = sql.all(statements.nodes, first + index - 1, first + index, 1);
          return node ? readNodeRecord(workflow, first, node) : null;
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
        for (const [first, last, id] of sql.all(statements.unfinished, limit)) {
          if (ready.length >= limit) break;
          ready.push(...readyOf(sql, text(id), integer(first), integer(last), limit - ready.length));
        }
        return { ready, sweeping: sql.all(statements.sweeping, limit).map(([id]) => text(id)) };
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
    const ready = flow.state === 'running' ? readyOf(tx.sql, flow.id, flow.firstNode, flow.lastNode, flow.ready) : none;
    return { kind: 'already', workflow: existing, ready };
  }
  const first = integer(tx.sql.get('SELECT coalesce(max(number), 0) + 1 FROM ojs_nodes')?.[0]);
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
  const numbers = wanted.flatMap((state) =>
    sql.all(statements.flowsDown, state, before, size).map(([number]) => integer(number)),
  );
  const found = numbers.sort((a, b) => b - a).slice(skip, size);
  const page = found.slice(0, limit);
  const items = page.flatMap((number) => {
    const cells = sql.get(statements.flowByNumber, number);
    return cells ? [readWorkflow(cells)] : [];
  });
  const last = page.at(-1);
  const next = last !== undefined && found.length > page.length ? cursorOf({ finishedAt: null, number: last }) : null;
  const total = wanted.reduce((sum, state) => sum + integer(sql.get(statements.flowCount, state)?.[0] ?? 0), 0);
  return { items, next, total };
}

function readyOf(sql: Connection, workflow: string, first: number, last: number, limit: number): readonly NodeRef[] {
  return sql
    .all(statements.readyNodes, first, last, limit)
    .map(([number]) => ({ workflow, index: integer(number) - first }));
}

function find(sql: Connection, id: string): WorkflowRecord | null {
  const cells = sql.get(statements.flowById, id);
  return cells ? readWorkflow(cells) : null;
}

function readNodeRecord(workflow: string, first: number, cells: Cells): NodeRecord {
  return readNode({ workflow, index: integer(cells[0]) - first, next: readNumbers(text(cells[8])) }, cells);
}
