import type { NodeRef, NodeState } from '@ojs-ts/core/job';
import type { NewNode, NewWorkflow, NodeRecord, WorkflowRecord } from '@ojs-ts/core/workflow';
import { readWorkflowState } from '../rows.ts';
import { type Packed, Packer } from './connection/msgpack.ts';
import { integer, integerOrNull, listOf, text, textOrNull } from './connection/packed.ts';

/** The letters for the ends of a node; see lua/lib/workflows.lua. */
export const letters = { completed: 'c', failed: 'f', cancelled: 'x' } as const;

/** Nodes of one packed list: a large one would be copied while its buffer grows. */
const nodesAtOnce = 500;
const packer = new Packer();

/** The nodes of a new workflow as lua/lib/workflows.lua keeps them: packed lists of fields and values. */
export function packNodes(nodes: readonly NewNode[]): readonly Buffer[] {
  const lists: Buffer[] = [];
  for (let at = 0; at < nodes.length; at += nodesAtOnce) {
    const fields: string[] = [];
    for (const node of nodes.slice(at, at + nodesAtOnce)) {
      const place = String(node.index);
      fields.push(place, packNode(node), `s${place}`, node.spec);
      if (node.open > 0) fields.push(`o${place}`, String(node.open));
    }
    lists.push(packer.pack(fields));
  }
  return lists;
}

/** The nodes that are ready, packed as runs: first and last index, and what their scores have on top. */
export function packReady(nodes: readonly NewNode[]): Buffer {
  const runs: number[] = [];
  for (const node of nodes) {
    const { index, open } = node;
    if (open > 0) continue;
    const more = readyScore(node) - index;
    if (runs.at(-2) === index - 1 && runs.at(-1) === more) runs[runs.length - 2] = index;
    else runs.push(index, index, more);
  }
  return packer.pack(runs);
}

/** The constant part of a node. */
export function packNode({ member, job, next, name }: NewNode): string {
  return `${member ? 1 : 0}|${job ?? ''}|${next.join(',')}|${JSON.stringify(name)}`;
}

/** The part that follows once the node is closed. */
export function packEnd({ state, closedAt, result }: NodeRecord): string {
  if (state === 'waiting' || state === 'pending') return '';
  return `\n${letters[state]}${closedAt}${result === null ? '' : `|${result}`}`;
}

/** The score of a ready node in the list of those. */
export function readyScore({ index, member }: Pick<NewNode, 'index' | 'member'>): number {
  return member ? index : index + 0.5;
}

export function packWorkflow(
  { id, name, kind, spec, total }: NewWorkflow,
  nodes: readonly NewNode[],
): readonly (string | number)[] {
  const members = nodes.filter(({ member }) => member).length;
  const last = nodes.reduce((max, { index }) => Math.max(max, index), -1);
  return [id, JSON.stringify(id), JSON.stringify(name), JSON.stringify(kind), spec, total, members, last];
}

export function readWorkflow(id: string, reply: Packed | undefined): WorkflowRecord {
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

export function readNode(workflow: string, reply: Packed | undefined): NodeRecord {
  const [index, node, spec, open, failed, error, isReady, flow, ended] = listOf(reply);
  const [, member, job = '', next = '', name = '""', letter, closedAt, result] =
    /^(\d)\|([^|]*)\|([^|]*)\|([^\n]*)(?:\n(\w)(\d+)(?:\|(.*))?)?$/s.exec(text(node)) ?? [];
  const waits = integer(isReady) === 1 || (integerOrNull(open) ?? 0) > 0;
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
    result: result ?? null,
    error: textOrNull(error),
    ...(letter === undefined
      ? openState(waits, textOrNull(flow), integerOrNull(ended))
      : { state: closed(letter), closedAt: Number(closedAt) }),
  };
}

export function readRefs(workflow: string, indexes: Packed | undefined): readonly NodeRef[] {
  return listOf(indexes).map((index) => ({ workflow, index: integer(index) }));
}

/** A cancelled workflow does not write its waiting nodes: they read as cancelled. */
function openState(waits: boolean, flow: string | null, ended: number | null): Pick<NodeRecord, 'state' | 'closedAt'> {
  if (!waits) return { state: 'pending', closedAt: null };
  return flow === 'cancelled' ? { state: 'cancelled', closedAt: ended } : { state: 'waiting', closedAt: null };
}

function closed(letter: string): NodeState {
  if (letter === 'c') return 'completed';
  if (letter === 'f') return 'failed';
  if (letter === 'x') return 'cancelled';
  throw new TypeError(`Redis: '${letter}' is no state of a node.`);
}
