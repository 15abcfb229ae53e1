import type { NodeRef } from '@ojs-ts/core/job';
import { cursorOf, readCursor } from '@ojs-ts/core/job';
import type { WorkflowRecord, WorkflowStep } from '@ojs-ts/core/workflow';
import type { Advanced, Workflows } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { integer, listOf, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import type { Listed } from './jobs.ts';
import * as rows from './rows.ts';
import { letters, packNodes, packReady, packWorkflow, readNode, readRefs, readWorkflow } from './workflow-rows.ts';

/** Workflows that one script leaves out. */
const skipAtOnce = 1000;
const allStates = ['running', 'completed', 'failed', 'cancelled'] as const;

export function workflows(scripts: Scripts): Workflows {
  return {
    async create(workflow, nodes, events, now) {
      const lists = packNodes(nodes);
      const args = [now, ...packWorkflow(workflow, nodes), packReady(nodes), lists.length, ...lists, ...events];
      const [word, record, indexes] = listOf(await scripts.run('workflow_create', args));
      const kind = creation(text(word));
      return {
        kind,
        workflow: readWorkflow(workflow.id, record),
        ready:
          kind === 'created'
            ? nodes.flatMap(({ index, open }) => (open === 0 ? [{ workflow: workflow.id, index }] : []))
            : readRefs(workflow.id, indexes),
      };
    },

    get: async (id) => (await getAll(scripts, [id]))[0] ?? null,

    getAll: (ids) => getAll(scripts, ids),

    async list(query) {
      const { items, cursors, more, total } = await listedWorkflows(scripts, query);
      return { items, next: more ? (cursors.at(-1) ?? null) : null, total };
    },

    async nodes(workflow, after, limit) {
      return listOf(await scripts.run('workflow_nodes', [workflow, after, limit])).map((node) =>
        readNode(workflow, node),
      );
    },

    async node(refs) {
      const args = refs.flatMap(({ workflow, index }) => [workflow, index]);
      const replies = listOf(await scripts.run('workflow_node', args));
      return refs.map(({ workflow }, at) => {
        const reply = replies[at] ?? null;
        return reply === null ? null : readNode(workflow, reply);
      });
    },

    async advance(steps, now) {
      if (steps.length === 0) return [];
      const request = {
        now,
        flows: steps.map(({ node }) => node.workflow),
        indexes: steps.map(({ node }) => String(node.index)),
        steps: steps.map(packStep),
      };
      const answers = listOf(await scripts.exchange('workflow_advance', request));
      return steps.map((step, at) => readAdvanced(step, answers[at]));
    },

    async cancel(id, events, now) {
      return (await scripts.run('workflow_cancel', [now, id, ...events])) === 1;
    },

    async swept(id) {
      await scripts.run('workflow_swept', [id]);
    },

    async unfinished(limit) {
      if (limit <= 0) return { ready: [], sweeping: [] };
      const [ready, sweeping] = listOf(await scripts.run('workflow_unfinished', [limit]));
      return { ready: readFlatRefs(ready), sweeping: listOf(sweeping).map(text) };
    },
  };
}

async function getAll(scripts: Scripts, ids: readonly string[]): Promise<readonly (WorkflowRecord | null)[]> {
  if (ids.length === 0) return [];
  const replies = listOf(await scripts.run('workflow_get', ids));
  return ids.map((id, at) => {
    const reply = replies[at] ?? null;
    return reply === null ? null : readWorkflow(id, reply);
  });
}

/** At most `limit`, and whether more follow. */
export async function listedWorkflows(
  scripts: Scripts,
  { states, after, offset, limit }: Parameters<Workflows['list']>[0],
): Promise<Listed<WorkflowRecord> & { readonly more: boolean; readonly total: number }> {
  let before = after === undefined ? '' : String(readCursor(after).number);
  let skip = after === undefined ? (offset ?? 0) : 0;
  for (; skip > skipAtOnce; skip -= skipAtOnce) {
    const [total, more, last] = listOf(
      await scripts.run('workflow_list', [before, skipAtOnce, 0, ...(states ?? allStates)]),
    );
    if (more !== 1) return { items: [], cursors: [], more: false, total: integer(total) };
    before = text(last);
  }
  const [total, more, _last, ...cells] = listOf(
    await scripts.run('workflow_list', [before, skip, limit, ...(states ?? allStates)]),
  );
  const rows = cells.flatMap((number, at) =>
    at % 3 === 0 ? [{ number: integer(number), id: text(cells[at + 1]), row: cells[at + 2] }] : [],
  );
  return {
    items: rows.map(({ id, row }) => readWorkflow(id, row)),
    cursors: rows.map(({ number }) => cursorOf({ finishedAt: null, number })),
    more: more === 1,
    total: integer(total),
  };
}

function readFlatRefs(reply: Packed | undefined): readonly NodeRef[] {
  const cells = listOf(reply);
  return cells.flatMap((cell, at) => (at % 2 === 0 ? [{ workflow: text(cell), index: integer(cells[at + 1]) }] : []));
}

function creation(word: string): 'created' | 'already' | 'duplicate' {
  if (word === 'created' || word === 'already' || word === 'duplicate') return word;
  throw new TypeError(`Redis: '${word}' is no answer to the creation of a workflow.`);
}

/** A step as the operation `workflow_advance` takes it. */
function packStep(step: WorkflowStep): Packed {
  const { events } = step;
  if (step.kind === 'start') {
    const job = rows.packJob(step.job);
    return events.length === 0 ? job : { job, events };
  }
  const { state, passes, result, error, end, failed } = step;
  return { events, letter: letters[state], passes, result, error, ends: end?.state, text: end?.text, failed };
}

function readAdvanced({ node: { workflow } }: WorkflowStep, answer: Packed | undefined): Advanced {
  if (answer === true) return { done: true, inserted: rows.readInserted(true), ready: [] };
  const [done, inserted, ready] = listOf(answer);
  return {
    done: done === true,
    inserted: inserted === false ? null : rows.readInserted(inserted),
    ready: listOf(ready).map((index) => ({ workflow, index: Number(index) })),
  };
}
