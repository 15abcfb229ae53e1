import { type Clock, latestOf } from '@ojs-ts/core';
import { endsChildren, ownedJob, type WorkflowEnd, wakeParent } from '@ojs-ts/core/durable';
import type { JobId, Json, Leases } from '@ojs-ts/core/job';
import { run } from '@ojs-ts/core/lifecycle';
import { parentOf, type SentParent } from '@ojs-ts/core/workflow';
import type { Storage, StoredRecord, WorkflowRecord } from '../../storage/storage.ts';
import type { StepRecords } from './step-records.ts';

/** A record for each workflow that a step waits for, with the id of the workflow as its key. */
const kind = 'children';
/** Records that one pass of upkeep looks at. */
const page = 500;
/** How long the record of a workflow is kept that was not made, in milliseconds: its worker died between two calls. */
const unmadeMs = 60_000;

interface Parts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly steps: StepRecords;
  readonly leases: Leases;
  /** Ends a running workflow; throws `conflict` if it has ended. */
  readonly cancel: (workflow: string) => Promise<unknown>;
}

/** The jobs that steps have started: their ends wake the parent, and its end ends them. */
export class Children {
  readonly #parts: Parts;
  /** The place at which the next pass of upkeep begins. */
  #from: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Notes the parent before its workflow is made, so that its end finds the workflow. */
  async adopt({ job, lease, step }: SentParent, workflow: string): Promise<void> {
    const { leases, steps, clock } = this.#parts;
    await run(ownedJob(steps, { id: job, claim: leases.claimOf(job, lease), worker: null }));
    const now = clock.now();
    const record = { kind, key: workflow, version: 1, createdAt: now, updatedAt: now };
    await steps.commit({ puts: [{ ...record, body: JSON.stringify({ job, step }) }] });
  }

  /** Wakes the parent of a workflow that is about to end. Repeatable. */
  async ended(workflow: WorkflowRecord, end: WorkflowEnd): Promise<void> {
    if (parentOf(workflow) === null) return;
    const { storage, steps } = this.#parts;
    const [node] = workflow.total === 1 ? await storage.workflows.nodes(workflow.id, -1, 1) : [];
    const [job = null] = node?.job ? await storage.jobs.get([node.job]) : [];
    await run(wakeParent(steps, workflow, end, node ? { node, job } : null));
  }

  /** Ends workflows whose parent has ended, and those whose first child has failed; forgets those that have ended. */
  async tend(): Promise<void> {
    const { storage, clock } = this.#parts;
    const place = this.#from === undefined ? {} : { from: this.#from };
    const records = await storage.records.scan(kind, { ...place, limit: page });
    this.#from = records.length < page ? undefined : records.at(-1)?.key;
    if (records.length === 0) return;
    const workflows = await storage.workflows.getAll(records.map(({ key }) => key));
    const parents = await storage.jobs.get(records.map(({ body }) => parentIn(body)));
    const isOver = ({ updatedAt }: StoredRecord, at: number) =>
      workflows[at]?.state !== 'running' && (workflows[at] !== null || updatedAt < latestOf(clock) - unmadeMs);
    for (const [at, workflow] of workflows.entries())
      if (workflow !== null && endsChildren(workflow, parents[at] ?? null)) await this.#cancel(workflow.id);
    const deletes = records.filter(isOver).map(({ key }) => ({ kind, key }));
    if (deletes.length > 0) await storage.records.commit([{ deletes }], clock.now());
  }

  async #cancel(workflow: string): Promise<void> {
    try {
      await this.#parts.cancel(workflow);
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
  }
}

function parentIn(body: Json): JobId {
  const { job }: { readonly job: JobId } = JSON.parse(body);
  return job;
}

function hasEnded(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'not_found' || code === 'conflict';
}
