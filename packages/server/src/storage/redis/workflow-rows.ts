import type { NewNode, NewWorkflow, NodeRecord, NodeRef, NodeState, WorkflowRecord } from '@ojs-ts/core';
import { readWorkflowState } from '../rows.ts';
import { integer, integerOrNull, listOf, type Reply, text, textOrNull } from './connection/reply.ts';

/** The letters for the ends of a node; see lua/lib/workflows.lua. */
export const letters = { completed: 'c', failed: 'f', cancelled: 'x' } as const;

/**
 * The nodes of a new workflow as lua/lib/workflows.lua keeps them: fields and values, and scores and members of those
 * that are ready.
 */
export function packNodes(nodes: readonly NewNode[]): {
  readonly fields: readonly string[];
  readonly ready: readonly string[];
} {
  const fields: string[] = [];
  const ready: string[] = [];
  for (const { index, name, job, open, next, member, spec } of nodes) {
    const place = String(index);
    fields.push(place, `${member ? 1 : 0}|${job ?? ''}|${next.join(',')}|${JSON.stringify(name)}`, `s${place}`, spec);
    if (open === 0) ready.push(place, place);
    else fields.push(`o${place}`, String(open));
  }
  return { fields, ready };
}

export function packWorkflow(
  { id, name, kind, spec, total }: NewWorkflow,
  nodes: readonly NewNode[],
): readonly (string | number)[] {
  const members = nodes.filter(({ member }) => member).length;
  const last = nodes.reduce((max, { index }) => Math.max(max, index), -1);
  return [id, JSON.stringify(id), JSON.stringify(name), JSON.stringify(kind), spec, total, members, last];
}

export function readWorkflow(id: string, reply: Reply | undefined): WorkflowRecord {
  const [name, kind, spec, total, state, completed, failed, cancelled, createdAt, finishedAt, end, sweeping] =
    listOf(reply);
  return {
    id,
    name: JSON.parse(text(name)),
    kind: JSON.parse(text(kind)),
    spec: text(spec),
    total: integer(total),
    state: readWorkflowState(text(state)),
    completed: integer(completed),
    failed: integer(failed),
    cancelled: integer(cancelled),
    createdAt: integer(createdAt),
    finishedAt: integerOrNull(finishedAt),
    end: textOrNull(end),
    sweeping: textOrNull(sweeping) !== null,
  };
}

export function readNode(workflow: string, reply: Reply | undefined): NodeRecord {
  const [index, constant, spec, open, failed, state, result, error, flow, ended] = listOf(reply);
  const [, member, job = '', next = '', name = '""'] = /^(\d)\|([^|]*)\|([^|]*)\|(.*)$/s.exec(text(constant)) ?? [];
  return {
    workflow,
    index: integer(index),
    name: JSON.parse(name),
    job: job === '' ? null : job,
    next: next === '' ? [] : next.split(',').map(Number),
    member: member === '1',
    spec: text(spec),
    open: integerOrNull(open) ?? 0,
    failed: integerOrNull(failed) ?? 0,
    result: textOrNull(result),
    error: textOrNull(error),
    ...nodeState(textOrNull(state), textOrNull(flow), integerOrNull(ended)),
  };
}

export function readRefs(workflow: string, indexes: Reply | undefined): readonly NodeRef[] {
  return listOf(indexes).map((index) => ({ workflow, index: integer(index) }));
}

/** A cancelled workflow does not write its waiting nodes: they read as cancelled. */
function nodeState(
  state: string | null,
  flow: string | null,
  ended: number | null,
): Pick<NodeRecord, 'state' | 'closedAt'> {
  if (state === null)
    return flow === 'cancelled' ? { state: 'cancelled', closedAt: ended } : { state: 'waiting', closedAt: null };
  if (state === 'p') return { state: 'pending', closedAt: null };
  return { state: closed(state.slice(0, 1)), closedAt: Number(state.slice(1)) };
}

function closed(letter: string): NodeState {
  if (letter === 'c') return 'completed';
  if (letter === 'f') return 'failed';
  if (letter === 'x') return 'cancelled';
  throw new TypeError(`Redis: '${letter}' is no state of a node.`);
}
