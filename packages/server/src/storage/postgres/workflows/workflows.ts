import type { Millis } from '@ojs-ts/core';
import { cursorOf, type Json, type NewJob, type NodeRef, readCursor, type WorkflowState } from '@ojs-ts/core/job';
import { isPlainJob } from '@ojs-ts/core/lifecycle';
import {
  isSameWorkflow,
  type NewNode,
  type NewWorkflow,
  type NodeRecord,
  newWorkflow,
  type WorkflowRecord,
} from '@ojs-ts/core/workflow';
import { integer, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import { nodeColumns, workflowColumns } from '../../rows.ts';
import type { Page, Workflows } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { flags, isStorable, joined, numbers, type Reader, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { insertPlain, Refused } from '../insert/insert.ts';
import { advance } from './advance.ts';
import { Graph } from './graph.ts';
import { isNode, nodesPerWorkflow, readIndexes } from './nodes.ts';

type Created = Awaited<ReturnType<Workflows['create']>>;
/** The job of a node. */
type Started = NewJob & { readonly node: NodeRef };

export const numberedWorkflows = workflowColumns.with({ number: integer });
export const nodeRows = nodeColumns(readIndexes);

const unfinished = columns({ workflow: text, number: integer }).of(
  `SELECT (SELECT id FROM ojs.workflows AS flow WHERE flow.number = node.number / ${nodesPerWorkflow}) AS workflow, number
   FROM ojs.nodes AS node WHERE ready ORDER BY number LIMIT $1`,
);

const insertNodes = `INSERT INTO ojs.nodes (number, state, open, member, ready, name, job, next)
  SELECT number, CASE WHEN started THEN 'pending' ELSE 'waiting' END, open, coalesce(member, false),
    open = 0 AND started IS NOT TRUE, name, job, next::integer[]
  FROM unnest($1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::text[], $6::uuid[], string_to_array($9, $7,
    $8))
    AS made (number, open, member, started, name, job, next)`;
/** Without a table of the specs on the way, which were more than its memory. */
const insertSpecs =
  'INSERT INTO ojs.node_specs (number, spec) SELECT unnest($1::bigint[]), unnest(string_to_array($4, $2, $3))';

export function workflows(database: Database): Workflows {
  return {
    async create(workflow, nodes, events, now, starts) {
      const started = startedAtOnce(workflow.id, nodes, starts);
      const make = (jobs: readonly Started[]) =>
        database.transact(now, (tx) => create(tx, workflow, nodes, events, now, jobs));
      try {
        return await make(started);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return make([]);
      }
    },

    get: (id) => find(database, id),

    async getAll(ids) {
      const rows = await database.all(workflowColumns.from('ojs.workflows WHERE id = ANY ($1::text[])'), [
        texts(ids.filter(isStorable)),
      ]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    },

    list: (query) => list(database, query),

    async nodes(workflow, after, limit) {
      const rows = await database.all(
        nodeRows.from(`ojs.nodes JOIN ojs.node_specs USING (number)
         WHERE number > (SELECT number FROM ojs.workflows WHERE id = $1) * ${nodesPerWorkflow} + $2
           AND number < ((SELECT number FROM ojs.workflows WHERE id = $1) + 1) * ${nodesPerWorkflow}
         ORDER BY number LIMIT $3`),
        [workflow, Math.max(after, -1), limit],
      );
      return rows.map((node) => nodeRecord(workflow, node));
    },

    async node(refs) {
      const found: (NodeRecord | null)[] = refs.map(() => null);
      const wanted = refs.flatMap((ref, at) => (isNode(ref) ? [{ ...ref, at }] : []));
      const rows = await database.all(
        nodeRows
          .with({ workflow: ['id', text], at: integer })
          .from(`(SELECT id, at, flow.number * ${nodesPerWorkflow} + index AS number
           FROM unnest($1::text[], $2::integer[], $3::integer[]) AS wanted (id, index, at)
           JOIN ojs.workflows AS flow USING (id)) AS wanted
         JOIN ojs.nodes USING (number) JOIN ojs.node_specs USING (number)`),
        [wanted.map(({ workflow }) => workflow), wanted.map(({ index }) => index), wanted.map(({ at }) => at)],
      );
      for (const { workflow, at, ...node } of rows) found[at] = nodeRecord(workflow, node);
      return found;
    },

    advance: (steps, now) => database.transact(now, (tx) => advance(tx, steps, now)),

    cancel: (id, events, now) => database.transact(now, (tx) => cancel(tx, id, events, now)),

    async swept(id) {
      await database.query(`UPDATE ojs.workflows SET sweeping = false WHERE id = $1 AND sweeping`, [id]);
    },

    async unfinished(limit) {
      const [ready, sweeping] = await Promise.all([
        database.all(unfinished, [limit]),
        database.values('SELECT id FROM ojs.workflows WHERE sweeping ORDER BY number LIMIT $1', [limit]),
      ]);
      return {
        ready: ready.map(({ workflow, number }) => ({ workflow, index: number % nodesPerWorkflow })),
        sweeping: sweeping.map(text),
      };
    },
  };
}

/**
 * The jobs that the creation inserts itself. A job with a unique key is left to `advance`: it may replace another one
 * of this workflow, whose nodes do not all exist yet.
 */
function startedAtOnce(
  workflow: string,
  nodes: readonly NewNode[],
  starts: Parameters<Workflows['create']>[4],
): readonly Started[] {
  if (starts === undefined) return [];
  const jobs: Started[] = [];
  for (const { index, open } of nodes) {
    const job = open === 0 ? starts.get(index) : undefined;
    if (job && isPlainJob(job)) jobs.push({ ...job, node: { workflow, index } });
  }
  return jobs;
}

/**
 * Ten thousand jobs that start with their workflow cost three statements; `advance` takes 20 transactions, and writes
 * each node a second time.
 * @param started jobs of nodes without dependencies.
 * @throws Refused if one of their ids is taken, or given twice
 */
async function create(
  tx: Transaction,
  workflow: NewWorkflow,
  nodes: readonly NewNode[],
  events: readonly Json[],
  now: Millis,
  started: readonly Started[],
): Promise<Created> {
  const { id, name, kind, spec, total } = workflow;
  if (!nodes.every(isNode))
    throw new RangeError(`Workflow ${id} has too many nodes; at most ${nodesPerWorkflow} fit into a workflow.`);
  const made = await tx.value(
    `INSERT INTO ojs.workflows (id, state, nodes, total, created_at, name, kind, spec)
      VALUES ($1, 'running', $2, $3, $4, $5, $6, $7)
     ON CONFLICT (id) DO NOTHING RETURNING number`,
    [id, nodes.length, total, now, name, kind, spec],
  );
  if (made === undefined) return createdBefore(tx, workflow);
  const sorted = [...nodes].sort((a, b) => a.index - b.index);
  const pending = new Set(started.map(({ node }) => node.index));
  writeNewNodes(tx, integer(made), sorted, pending);
  tx.counts.addWorkflow('running', 1);
  tx.log.add(events);
  if (started.length > 0) await insertPlain(tx, [started], started, { always: true });
  const ready = sorted
    .filter(({ open, index }) => open === 0 && !pending.has(index))
    .map(({ index }) => ({ workflow: id, index }));
  return { kind: 'created', workflow: newWorkflow(workflow, now), ready };
}

async function createdBefore(tx: Transaction, workflow: NewWorkflow): Promise<Created> {
  const existing = await find(tx, workflow.id);
  // Retention removed the workflow between the two statements; the caller may try again.
  if (!existing) throw new Error(`Workflow ${workflow.id} was removed while it was being created again; try again.`);
  if (!isSameWorkflow(existing, workflow)) return { kind: 'duplicate', workflow: existing, ready: [] };
  const ready = await tx.values(
    `SELECT number FROM ojs.nodes WHERE ready AND number >= (SELECT number FROM ojs.workflows
      WHERE id = $1) * ${nodesPerWorkflow}
       AND number < ((SELECT number FROM ojs.workflows WHERE id = $1) + 1) * ${nodesPerWorkflow} ORDER BY number`,
    [workflow.id],
  );
  const refs = ready.map((number) => ({ workflow: workflow.id, index: integer(number) % nodesPerWorkflow }));
  return { kind: 'already', workflow: existing, ready: refs };
}

function writeNewNodes(
  tx: Transaction,
  workflow: number,
  nodes: readonly NewNode[],
  pending: ReadonlySet<number>,
): void {
  if (nodes.length === 0) return;
  const own = numbers(nodes.map(({ index }) => workflow * nodesPerWorkflow + index));
  tx.write(insertNodes, [
    own,
    numbers(nodes.map(({ open }) => open)),
    flags(nodes.map(({ member }) => member)),
    flags(nodes.map(({ index }) => pending.has(index))),
    texts(nodes.map(({ name }) => name)),
    `{${nodes.map(({ job }) => job ?? 'NULL').join(',')}}`,
    ...joined(nodes.map(({ next }) => `{${next.join(',')}}`)),
  ]);
  tx.write(insertSpecs, [own, ...joined(nodes.map(({ spec }) => spec))]);
}

async function cancel(tx: Transaction, id: string, events: readonly Json[], now: Millis): Promise<boolean> {
  const graph = new Graph(tx);
  await graph.open([], { others: [id] });
  const flow = graph.flow(id);
  if (flow?.state !== 'running') return false;
  const members = await tx.value(
    `WITH cancelled AS (
       UPDATE ojs.nodes SET state = 'cancelled', ready = false, closed_at = $3
       WHERE number >= $1 AND number < $2 AND state = 'waiting' RETURNING member
     ) SELECT count(*) FILTER (WHERE member) FROM cancelled`,
    [flow.number * nodesPerWorkflow, (flow.number + 1) * nodesPerWorkflow, now],
  );
  flow.cancelled += integer(members);
  graph.end(flow, 'cancelled', null, now);
  graph.flush();
  tx.write(`UPDATE ojs.workflows SET sweeping = true WHERE number = $1`, [flow.number]);
  tx.log.add(events);
  return true;
}

async function find(reader: Reader, id: string): Promise<WorkflowRecord | null> {
  if (!isStorable(id)) return null;
  return (await reader.get(workflowColumns.from('ojs.workflows WHERE id = $1'), [id])) ?? null;
}

const allStates: readonly WorkflowState[] = ['running', 'completed', 'failed', 'cancelled'];

async function countFlows(reader: Reader, states: readonly WorkflowState[]): Promise<number> {
  const count = 'SELECT coalesce(sum(count), 0)::bigint FROM ojs.workflow_counts WHERE state = ANY ($1::text[])';
  return integer(await reader.value(count, [states]));
}

/** Newest first in each state, then over all. */
async function list(
  reader: Reader,
  { states, after, offset, limit }: Parameters<Workflows['list']>[0],
): Promise<Page<WorkflowRecord> & { readonly total: number }> {
  const wanted = states ?? allStates;
  const before = after === undefined ? Number.MAX_SAFE_INTEGER : readCursor(after).number;
  const skip = after === undefined ? (offset ?? 0) : 0;
  const [rows, total] = await Promise.all([
    reader.all(
      numberedWorkflows.from(`ojs.workflows WHERE number IN (
         SELECT number FROM unnest($1::text[]) AS wanted (state), LATERAL (
           SELECT number FROM ojs.workflows AS flow WHERE flow.state = wanted.state AND number < $2
           ORDER BY number DESC LIMIT $3
         ) AS newest ORDER BY number DESC OFFSET $4 LIMIT $5
       ) ORDER BY number DESC`),
      [wanted, before, skip + limit + 1, skip, limit + 1],
    ),
    countFlows(reader, wanted),
  ]);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next = last && rows.length > page.length ? cursorOf({ finishedAt: null, number: last.number }) : null;
  return { items: page.map(({ number, ...workflow }) => workflow), next, total };
}

export function nodeRecord(workflow: string, { number, ...node }: ReturnType<typeof nodeRows.read>): NodeRecord {
  return { workflow, index: number % nodesPerWorkflow, ...node };
}
