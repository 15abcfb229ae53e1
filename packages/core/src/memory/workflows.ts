import { cursorOf, type NodeRef, readCursor } from '@ojs-ts/core/job';
import { counted, isReady, isSameWorkflow, type WorkflowStep } from '@ojs-ts/core/workflow';
import type { Advanced, Workflows } from '../store/workflows.ts';
import type { Change } from './change.ts';
import { insertGroup } from './insert.ts';
import type { Tables } from './tables.ts';

const none: readonly NodeRef[] = [];
const nothing: Advanced = { done: false, inserted: null, ready: none };

export function workflows(open: () => Tables): Workflows {
  return {
    create(workflow, nodes, events, now) {
      const tables = open();
      const existing = tables.workflows.rows.get(workflow.id);
      if (existing && !isSameWorkflow(existing.record, workflow))
        return { kind: 'duplicate', workflow: existing.record, ready: none };
      if (existing) return { kind: 'already', workflow: existing.record, ready: tables.workflows.ready(existing) };
      return tables.change(now, (change) => {
        const row = tables.workflows.add(workflow, nodes, now);
        change.logAll(events);
        return { kind: 'created', workflow: row.record, ready: tables.workflows.ready(row) };
      });
    },

    get(id) {
      return open().workflows.rows.get(id)?.record ?? null;
    },

    getAll(ids) {
      const { rows } = open().workflows;
      return ids.map((id) => rows.get(id)?.record ?? null);
    },

    list({ states, after, offset, limit }) {
      const rows = [...open().workflows.rows.values()]
        .filter(({ record }) => states === null || states.includes(record.state))
        .sort((a, b) => b.number - a.number);
      const cursor = after === undefined ? null : readCursor(after);
      const found = cursor ? rows.filter(({ number }) => number < cursor.number) : rows.slice(offset ?? 0);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const next = last && found.length > page.length ? cursorOf({ finishedAt: null, number: last.number }) : null;
      return { items: page.map(({ record }) => record), next, total: rows.length };
    },

    nodes(workflow, after, limit) {
      const nodes = open().workflows.rows.get(workflow)?.nodes.values() ?? [];
      return [...nodes].filter(({ index }) => index > after).slice(0, limit);
    },

    node(refs) {
      const tables = open();
      return refs.map((ref) => tables.workflows.node(ref) ?? null);
    },

    advance(steps, now) {
      const tables = open();
      return tables.change(now, (change) => steps.map((step) => advance(tables, step, change)));
    },

    cancel(id, events, now) {
      const tables = open();
      const row = tables.workflows.rows.get(id);
      if (row?.record.state !== 'running') return false;
      const waiting = [...row.nodes.values()].filter(({ state }) => state === 'waiting');
      for (const node of waiting) tables.workflows.setNode(row, { ...node, state: 'cancelled', closedAt: now });
      const record = counted(row.record, 'cancelled', waiting.filter(({ member }) => member).length);
      tables.workflows.set(row, { ...record, state: 'cancelled', finishedAt: now, sweeping: true });
      tables.change(now, (change) => change.logAll(events));
      return true;
    },

    swept(id) {
      const tables = open();
      const row = tables.workflows.rows.get(id);
      if (row) tables.workflows.set(row, { ...row.record, sweeping: false });
    },

    unfinished(limit) {
      return open().workflows.unfinished(limit);
    },
  };
}

function advance(tables: Tables, step: WorkflowStep, change: Change): Advanced {
  const row = tables.workflows.rows.get(step.node.workflow);
  const node = row?.nodes.get(step.node.index);
  if (row?.record.state !== 'running' || !node || !isReady(node)) return nothing;
  if (step.kind === 'start') {
    if (step.job.id !== node.job) return nothing;
    const [inserted = null] = insertGroup(tables, [step.job], change, { always: true });
    if (inserted?.kind !== 'inserted') return { ...nothing, inserted };
    tables.workflows.setNode(row, { ...node, state: 'pending' });
    change.logAll(step.events);
    return { done: true, inserted, ready: none };
  }
  const { state, result, error, passes, end, failed = node.failed } = step;
  if (failed !== node.failed) return nothing;
  tables.workflows.setNode(row, { ...node, state, result, error, closedAt: change.now });
  const record = counted(row.record, state, node.member ? 1 : 0);
  tables.workflows.set(row, end ? { ...record, state: end.state, end: end.text, finishedAt: change.now } : record);
  change.logAll(step.events);
  return { done: true, inserted: null, ready: end ? none : tables.workflows.lower(row, node, passes) };
}
