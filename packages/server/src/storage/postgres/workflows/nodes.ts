import type { Millis } from '@ojs-ts/core';
import type { Json, NodeRef } from '@ojs-ts/core/job';
import { isReady } from '@ojs-ts/core/workflow';
import { type Cells, flag, integer, integerOrNull, text, textOrNull } from '../../cells.ts';
import { columns, positions } from '../../columns.ts';
import { readNodeState, readWorkflowState } from '../../rows.ts';
import type { NodeState } from '../../storage.ts';
import { arrayOf, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

/** The number of a node is that of its workflow times this, plus its index. */
export const nodesPerWorkflow = 2 ** 20;

/** Reports whether a node can have this index. */
export function isNode({ index }: Pick<NodeRef, 'index'>): boolean {
  return index >= 0 && index < nodesPerWorkflow;
}

const flows = columns({
  number: integer,
  id: text,
  name: text,
  kind: text,
  total: integer,
  state: readWorkflowState,
  completed: integer,
  failed: integer,
  cancelled: integer,
  finishedAt: integerOrNull,
});

/** A workflow that the transaction has locked; the end is set when it ends. */
export type LockedWorkflow = ReturnType<typeof flows.read> & { end: Json | null; changed: boolean };

export interface LockedNode {
  readonly flow: LockedWorkflow;
  readonly index: number;
  readonly member: boolean;
  readonly name: string;
  job: string | null;
  /** Its dependents; empty if they were not read. */
  readonly next: readonly number[];
  state: NodeState;
  open: number;
  failed: number;
  closedAt: Millis | null;
  /** Set by the close. */
  result: Json | null;
  error: Json | null;
  changed: boolean;
}

/** Locks these workflows in the order of their creation. */
export async function lockWorkflows(tx: Transaction, ids: readonly string[]): Promise<readonly LockedWorkflow[]> {
  const rows = await tx.all(flows.from('ojs.workflows WHERE id = ANY ($1::text[]) ORDER BY number FOR UPDATE'), [ids]);
  return rows.map((row) => ({ ...row, end: null, changed: false }));
}

const { list, at } = positions('number, member, name, job, state, open, failed, closed_at, next');
const withoutNext = list.replace(/next$/, 'NULL::integer[] AS next');
const own = `SELECT ${list}
  FROM (SELECT flow.number * ${nodesPerWorkflow} + index AS number
  FROM unnest($1::text[], $2::integer[]) AS wanted (id, index) JOIN ojs.workflows AS flow USING (id)) AS wanted
  JOIN ojs.nodes USING (number)`;
const alone = `SELECT ${withoutNext} FROM (${own}) AS own`;
const withDependents = `WITH own AS MATERIALIZED (${own})
  SELECT ${list} FROM own
  UNION ALL
  SELECT ${withoutNext}
  FROM (SELECT DISTINCT number - number % ${nodesPerWorkflow} + unnest(next) AS number FROM own
  WHERE closed_at IS NULL) AS dependents JOIN ojs.nodes USING (number)`;

/**
 * Reads nodes, on request with the dependents of those that may close. The result is a function of their workflows,
 * which are read at the same time. A node may come twice: as such and as a dependent.
 */
export async function readNodes(
  tx: Transaction,
  refs: readonly NodeRef[],
  dependents: boolean,
): Promise<(flows: readonly LockedWorkflow[]) => readonly LockedNode[]> {
  const there = refs.filter(isNode);
  if (there.length === 0) return () => [];
  const values = [texts(there.map(({ workflow }) => workflow)), numbers(there.map(({ index }) => index))];
  const rows = await tx.query(dependents ? withDependents : alone, values);
  return (flows) => {
    const byNumber = new Map(flows.map((flow) => [flow.number, flow]));
    return rows.flatMap((cells) => {
      const flow = byNumber.get(Math.floor(integer(cells[at.number]) / nodesPerWorkflow));
      return flow ? [readNode(flow, cells)] : [];
    });
  };
}

/** Null leaves the results and errors of nodes and the ends of workflows as they are. */
export function writeGraph(tx: Transaction, flows: readonly LockedWorkflow[], nodes: readonly LockedNode[]): void {
  if (nodes.length > 0)
    tx.write(
      `UPDATE ojs.nodes AS node SET state = changed.state, open = changed.open, failed = changed.failed,
        ready = changed.ready,
         closed_at = changed.closed_at, result = coalesce(changed.result, node.result), error = coalesce(changed.error,
         node.error)
       FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::boolean[], $6::bigint[], $7::text[],
         $8::text[])
         AS changed (number, state, open, failed, ready, closed_at, result, error)
       WHERE node.number = changed.number`,
      [
        numbers(nodes.map(({ flow, index }) => flow.number * nodesPerWorkflow + index)),
        texts(nodes.map(({ state }) => state)),
        numbers(nodes.map(({ open }) => open)),
        numbers(nodes.map(({ failed }) => failed)),
        nodes.map((node) => isReady(node) && node.flow.state === 'running'),
        numbers(nodes.map(({ closedAt }) => closedAt)),
        texts(nodes.map(({ result }) => result)),
        texts(nodes.map(({ error }) => error)),
      ],
    );
  if (flows.length > 0)
    tx.write(
      `UPDATE ojs.workflows AS flow SET state = changed.state, completed = changed.completed, failed = changed.failed,
         cancelled = changed.cancelled, finished_at = changed.finished_at, "end" = coalesce(changed."end", flow."end")
       FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::text[])
         AS changed (number, state, completed, failed, cancelled, finished_at, "end")
       WHERE flow.number = changed.number`,
      [
        numbers(flows.map(({ number }) => number)),
        texts(flows.map(({ state }) => state)),
        numbers(flows.map(({ completed }) => completed)),
        numbers(flows.map(({ failed }) => failed)),
        numbers(flows.map(({ cancelled }) => cancelled)),
        numbers(flows.map(({ finishedAt }) => finishedAt)),
        texts(flows.map(({ end }) => end)),
      ],
    );
}

/** Forgets the ends of nodes and their workflow, which {@link writeGraph} cannot set to null. */
export function forgetEnds(tx: Transaction, flow: LockedWorkflow, nodes: readonly LockedNode[]): void {
  tx.write(
    `UPDATE ojs.nodes AS node SET job = changed.job, result = NULL, error = NULL
     FROM unnest($1::bigint[], $2::uuid[]) AS changed (number, job) WHERE node.number = changed.number`,
    [numbers(nodes.map(({ index }) => flow.number * nodesPerWorkflow + index)), texts(nodes.map(({ job }) => job))],
  );
  tx.write('UPDATE ojs.workflows SET "end" = NULL WHERE number = $1', [flow.number]);
}

const noIndexes: readonly number[] = [];

function readNode(flow: LockedWorkflow, cells: Cells): LockedNode {
  return {
    flow,
    index: integer(cells[at.number]) % nodesPerWorkflow,
    member: flag(cells[at.member]),
    name: text(cells[at.name]),
    job: textOrNull(cells[at.job]),
    state: readNodeState(cells[at.state]),
    open: integer(cells[at.open]),
    failed: integer(cells[at.failed]),
    closedAt: integerOrNull(cells[at.closed_at]),
    next: cells[at.next] === null ? noIndexes : readIndexes(cells[at.next]),
    result: null,
    error: null,
    changed: false,
  };
}

export const readIndexes = arrayOf(integer);
