import { type Clock, latestOf } from '@ojs-ts/core';
import { childSignal, ownedJob, type Payload, sendSignal } from '@ojs-ts/core/durable';
import { type JobId, type JobRecord, type Json, type Leases, lastError, Terminal } from '@ojs-ts/core/job';
import { isIn, run } from '@ojs-ts/core/lifecycle';
import { parentOf, type SentParent, type WorkflowParent } from '@ojs-ts/core/workflow';
import type { NodeRecord, Storage, StoredRecord, WorkflowRecord } from '../../storage/storage.ts';
import type { StepRecords } from './step-records.ts';

/** A record for each workflow that a step waits for, with the id of the workflow as its key. */
const kind = 'children';
/** Records that one pass of upkeep looks at. */
const page = 500;
/** Characters of a result or an error that the parent gets with the end of a single child. */
const maxText = 900_000;

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

  /**
   * Wakes the parent of a workflow that is about to end. Repeatable: the signal has the id of the workflow.
   * @param state as it will be.
   */
  async ended(workflow: WorkflowRecord, state: 'completed' | 'failed' | 'cancelled'): Promise<void> {
    const parent = parentOf(workflow);
    if (parent === null) return;
    const { steps } = this.#parts;
    const text = await this.#summary(workflow, state);
    const payload: Payload = { text };
    const to = { job: parent.job, name: childSignal(parent.step) };
    try {
      await run(sendSignal(steps, { to, id: workflow.id, payload }, () => {}));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #summary(workflow: WorkflowRecord, state: string): Promise<Json> {
    const { total, completed, failed, cancelled } = workflow;
    const counts = JSON.stringify({ state, total, completed, failed, cancelled });
    if (total !== 1) return counts;
    const { storage } = this.#parts;
    const [node] = await storage.workflows.nodes(workflow.id, -1, 1);
    const [job = null] = node?.job == null ? [] : await storage.jobs.get([node.job]);
    const own = node === undefined ? '' : outcomeOf(node, job);
    return own === '' || own.length > maxText ? counts : `${counts.slice(0, -1)}${own}}`;
  }

  /** Ends workflows whose parent has ended, and those whose first child has failed; forgets those that have ended. */
  async tend(): Promise<void> {
    const { storage } = this.#parts;
    const place = this.#from === undefined ? {} : { from: this.#from };
    const records = await storage.records.scan(kind, { ...place, limit: page });
    this.#from = records.length < page ? undefined : records.at(-1)?.key;
    if (records.length === 0) return;
    const workflows = await storage.workflows.getAll(records.map(({ key }) => key));
    const parents = await storage.jobs.get(records.map(({ body }) => parentIn(body)));
    const gone: StoredRecord[] = [];
    for (const [at, record] of records.entries()) {
      const workflow = workflows[at] ?? null;
      if (workflow?.state === 'running') await this.#tendOne(workflow, parents[at] ?? null);
      else if (workflow !== null || this.#isOld(record)) gone.push(record);
    }
    const deletes = gone.map(({ key }) => ({ kind, key }));
    if (deletes.length > 0) await storage.records.commit([{ deletes }], this.#parts.clock.now());
  }

  async #tendOne(workflow: WorkflowRecord, job: JobRecord | null): Promise<void> {
    const parent = parentOf(workflow);
    if (parent === null) return;
    const isOver = job === null || isIn(job.state, Terminal);
    const ends = isOver ? parent.onParentEnd === 'cancel' : failsEarly(workflow, parent);
    if (!ends) return;
    try {
      await this.#parts.cancel(workflow.id);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** The workflow was not made: its worker died between the two calls. A later execution notes it again. */
  #isOld({ updatedAt }: StoredRecord): boolean {
    return updatedAt < latestOf(this.#parts.clock) - 60_000;
  }
}

function failsEarly({ failed, cancelled }: WorkflowRecord, { onFailure }: WorkflowParent): boolean {
  return onFailure === 'cancel' && failed + cancelled > 0;
}

function outcomeOf({ result, error, state, job: id }: NodeRecord, job: JobRecord | null): string {
  const head = `,"job_id":${JSON.stringify(id)}`;
  if (state === 'completed') return result === null ? head : `${head},"result":${result}`;
  const last = job === null ? null : lastError(job);
  const text = last === null ? error : JSON.stringify(last);
  return text === null ? head : `${head},"error":${text}`;
}

function parentIn(body: Json): JobId {
  const { job }: { readonly job: JobId } = JSON.parse(body);
  return job;
}

/** The parent or the workflow has ended, or was deleted. */
function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'job_ended' || code === 'not_found' || code === 'conflict';
}
