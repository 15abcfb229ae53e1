import { uuidv7 } from '@ojs-ts/core';
import type { JobId } from '@ojs-ts/core/job';
import { atOnce, run } from '@ojs-ts/core/lifecycle';
import {
  createdWorkflowReply,
  duplicateWorkflow,
  endedWorkflow,
  type PlainReply,
  readWorkflowList,
  requireBody,
  type WorkflowView,
  workflowListReply,
  workflowReply,
} from '@ojs-ts/core/requests';
import {
  missingWorkflow,
  type ReadWorkflow,
  Reopenings,
  readWorkflow,
  rerunWorkflow,
  workflowCancelled,
} from '@ojs-ts/core/workflow';
import { type Answers, param, type Request } from './reply.ts';
import type { Table } from './table.ts';

export function workflowAnswers(table: Table): Answers {
  const newId = () => uuidv7(table.clock);
  return {
    'workflow.create': ({ body }) => created(table, readWorkflow(requireBody(body), table.now, newId)),
    'workflow.list': ({ query }) => {
      const list = readWorkflowList(query);
      return workflowListReply(list.page, table.workflows.list(list.query));
    },
    'workflow.get': (call) => workflowReply(find(table, call)),
    'workflow.retry': (call) => {
      const reopenings = new Reopenings({ workflows: table.workflows, jobs: table.jobs.get, newId });
      table.jobs.transition(atOnce(run(reopenings.ofWorkflow(param(call, 'id'), table.now, null))), table.now);
      return changed(table, call);
    },
    'workflow.rerun': (call) => {
      const { workflow, nodes } = find(table, call);
      return created(table, rerunWorkflow(workflow, nodes, newId));
    },
    'workflow.cancel': (call) => {
      const { workflow } = find(table, call);
      const { now } = table;
      if (!table.workflows.cancel(workflow.id, [workflowCancelled(workflow, now)], now)) throw endedWorkflow(workflow);
      return changed(table, call);
    },
  };
}

/** The same workflow again is answered as it is now. */
function created(
  table: Table,
  { workflow, nodes, events }: Pick<ReadWorkflow, 'workflow' | 'nodes' | 'events'>,
): PlainReply {
  const { kind } = table.workflows.create(workflow, nodes, events, table.now);
  if (kind === 'duplicate') throw duplicateWorkflow(workflow.id);
  table.tick();
  const view = viewOf(table, workflow.id);
  return createdWorkflowReply(workflowReply(view), view);
}

function changed(table: Table, call: Request): PlainReply {
  table.tick();
  return workflowReply(find(table, call));
}

function find(table: Table, call: Request): WorkflowView {
  return viewOf(table, param(call, 'id'));
}

function viewOf(table: Table, id: string): WorkflowView {
  const row = table.tables.workflows.rows.get(id);
  if (row === undefined) throw missingWorkflow(id);
  const nodes = [...row.nodes.values()];
  const ids = nodes.flatMap(({ job, state }): JobId[] => (job === null || state === 'waiting' ? [] : [job]));
  const jobs = table.jobs
    .get(ids)
    .flatMap((job) => (job === null ? [] : [[job.id, { ...job, result: null }] as const]));
  return { workflow: row.record, nodes, jobs: new Map(jobs) };
}
