import { latestOf, uuidv7 } from '@ojs-ts/core';
import { duplicateWorkflow, endedWorkflow, type WorkflowView } from '@ojs-ts/core/handlers';
import type { JobId } from '@ojs-ts/core/job';
import { atOnce, run } from '@ojs-ts/core/lifecycle';
import { notFound } from '@ojs-ts/core/requests';
import { type ReadWorkflow, Reopenings, readWorkflow, workflowCancelled } from '@ojs-ts/core/workflow';
import type { Table } from './table.ts';

export class MemoryWorkflows {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  read(text: string, newId: () => JobId): ReadWorkflow {
    return readWorkflow(text, this.#table.now, newId, latestOf(this.#table.clock));
  }

  create({ workflow, nodes, events }: ReadWorkflow): WorkflowView {
    const { kind } = this.#table.workflows.create(workflow, nodes, events, this.#table.now);
    if (kind === 'duplicate') throw duplicateWorkflow(workflow.id);
    this.#table.tick();
    return this.get(workflow.id);
  }

  get(id: string): WorkflowView {
    const row = this.#table.tables.workflows.rows.get(id);
    if (row === undefined) throw notFound('workflow', id);
    const nodes = [...row.nodes.values()];
    const ids = nodes.flatMap(({ job, state }): JobId[] => (job === null || state === 'waiting' ? [] : [job]));
    const jobs = this.#table.jobs
      .get(ids)
      .flatMap((job) => (job === null ? [] : [[job.id, { ...job, result: null }] as const]));
    return { workflow: row.record, nodes, jobs: new Map(jobs) };
  }

  cancel(id: string): WorkflowView {
    const { workflow } = this.get(id);
    const { now, workflows } = this.#table;
    if (!workflows.cancel(id, [workflowCancelled(workflow, now)], now)) throw endedWorkflow(workflow);
    this.#table.tick();
    return this.get(id);
  }

  retry(id: string): WorkflowView {
    const { clock, now, workflows, jobs } = this.#table;
    const reopenings = new Reopenings({ workflows, jobs: jobs.get, newId: () => uuidv7(clock) });
    jobs.transition(atOnce(run(reopenings.ofWorkflow(id, now, null))), now);
    this.#table.tick();
    return this.get(id);
  }
}
