import { createHash } from 'node:crypto';
import { type Clock, ProtocolError, timeOfUuid, uuidAt, uuidv7 } from '@ojs-ts/core';
import {
  type BulkDecision,
  type BulkOperation,
  type BulkStep,
  type BulkTally,
  bulkDecision,
  bulkFilter,
  type Deciding,
  refusalOf,
  type Undoing,
  undoDecision,
} from '@ojs-ts/core/bulk';
import { checkArgs } from '@ojs-ts/core/handlers';
import { type JobRecord, type Selection, select, sizeOf, Terminal } from '@ojs-ts/core/job';
import type { Inserted } from '@ojs-ts/core/lifecycle';
import { run } from '@ojs-ts/core/lifecycle';
import { Reopenings } from '@ojs-ts/core/workflow';
import type { Storage } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import { PageSize, turn } from '../page-size.ts';
import { checkEnvelopes } from '../schemas/check.ts';
import type { Schemas } from '../schemas/schemas.ts';
import type { BulkRecords } from './bulk-records.ts';

/** How often a job is decided again because it has changed since it was read. */
const rounds = 5;
/** Milliseconds of decisions, until others have their turn. */
const mostDecidingMs = 10;

export interface StepParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly batches: Batches;
  readonly schemas: Schemas;
  readonly records: BulkRecords;
  /** Bytes of jobs that are read at once. */
  readonly bytes: number;
}

export interface PlannedStep {
  readonly step: BulkStep;
  /** The jobs, where this server has just read them. */
  readonly found: readonly JobRecord[] | null;
}

/**
 * The next jobs of an operation, written down before one of them is changed: a server that continues after a crash does
 * the same step. Null where the operation has come to its end.
 * @param limit the most jobs, where the step is not written yet.
 */
export async function plan(parts: StepParts, operation: BulkOperation, limit: number): Promise<PlannedStep | null> {
  const { records, storage, clock } = parts;
  const { id, action, of, steps } = operation;
  if (action === 'undo') {
    const step = of === null ? null : await records.step(of, steps);
    if (of === null || step === null) return null;
    // For a rerun, the changed jobs are those that it has made.
    const isRerun = (await records.get(of))?.action === 'rerun';
    return { step: isRerun ? { ...step, ids: step.ids.map((one) => linkedId(of, one)) } : step, found: null };
  }
  const written = await records.step(id, steps);
  if (written !== null) return { step: written, found: null };
  // Each job gets a copy of the changes.
  const copied = Object.values(operation.changes).reduce((sum, text) => sum + text.length, 1);
  const most = Math.max(1, Math.min(limit, Math.floor(parts.bytes / copied)));
  const at = { after: operation.cursor, limit: most, maxBytes: parts.bytes, pause: turn };
  const { jobs, next }: Selection = await select(storage, bulkFilter({ ...operation, action }), at);
  const step = { ids: jobs.map((job) => job.id), next };
  if (jobs.length === 0) {
    // No job is left either where another server wrote this step and changed its jobs in the meantime.
    const late = await records.step(id, steps);
    return late === null ? { step, found: jobs } : { step: late, found: null };
  }
  if (await records.addStep(id, steps, step, clock.now())) return { step, found: jobs };
  const others = await records.step(id, steps);
  if (others === null) throw new Error(`Step ${steps} of the bulk operation ${id} is gone.`);
  return { step: others, found: null };
}

/** Changes the jobs of a step. A repeated step changes none of them again, and counts the same. */
export async function carryOut(
  parts: StepParts,
  operation: BulkOperation,
  { step, found }: PlannedStep,
): Promise<BulkTally> {
  const decide = await decider(parts, operation);
  const tally = new Tally();
  if (found !== null) {
    await changeJobs(
      parts,
      decide,
      found.map((job) => [job.id, job]),
      tally,
    );
    return tally;
  }
  const size = new PageSize(parts.bytes);
  for (let at = 0; at < step.ids.length; ) {
    const ids = step.ids.slice(at, at + size.items);
    const jobs = await parts.storage.jobs.get(ids);
    await changeJobs(
      parts,
      decide,
      ids.map((id, index) => [id, jobs[index] ?? null]),
      tally,
    );
    at += ids.length;
    size.had(jobs.reduce((sum, job) => sum + (job === null ? 0 : sizeOf(job)), 0));
  }
  return tally;
}

type Found = readonly [id: string, job: JobRecord | null];
type Decide = (job: JobRecord | null, now: number) => BulkDecision | Promise<BulkDecision>;

async function decider({ records, schemas }: StepParts, operation: BulkOperation): Promise<Decide> {
  const { id, action } = operation;
  const newId = (job: JobRecord) => linkedId(id, job.id);
  if (action === 'undo') {
    const of = operation.of === null ? null : await records.get(operation.of);
    if (of === null) throw new Error(`What the bulk operation ${id} takes back is gone.`);
    const undoing: Undoing = { id, of, actor: operation.actor, newId };
    return (job, now) => undoDecision(undoing, job, now);
  }
  const deciding: Deciding = { ...operation, action, newId };
  const filter = bulkFilter({ ...operation, action });
  return (job, now) => checked(schemas, deciding, job, bulkDecision(deciding, filter, job, now));
}

/** The decision, unless the arguments that it gives to a job do not match the schema of the job. */
async function checked(
  schemas: Schemas,
  { changes: { args } }: Deciding,
  job: JobRecord | null,
  decision: BulkDecision,
): Promise<BulkDecision> {
  try {
    if (decision.kind === 'insert') await checkEnvelopes(schemas, [decision.read]);
    if (decision.kind === 'move' && job !== null && args !== undefined) await checkArgs(schemas, job, args);
    return decision;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'schema_validation') return refusalOf(error);
    throw error;
  }
}

/** A retry of a dead step, with what it does to the workflow. */
async function withWorkflow(
  reopenings: Reopenings,
  job: JobRecord | null,
  decision: BulkDecision,
): Promise<BulkDecision> {
  if (decision.kind !== 'move' || job === null || job.node === null) return decision;
  try {
    return { kind: 'move', transition: await run(reopenings.with(decision.transition, job)) };
  } catch (error) {
    if (error instanceof ProtocolError) return refusalOf(error);
    throw error;
  }
}

/** Jobs that change in between are read and decided again. */
async function changeJobs(parts: StepParts, decide: Decide, jobs: readonly Found[], tally: Tally): Promise<void> {
  const { storage, clock, batches } = parts;
  let left = jobs;
  for (let round = 0; left.length > 0; round++) {
    const now = clock.now();
    const reopenings = new Reopenings({
      workflows: batches.workflows,
      jobs: storage.jobs.get,
      newId: () => uuidv7(clock),
    });
    const decided: { readonly id: string; readonly decision: BulkDecision }[] = [];
    let began = performance.now();
    for (const [id, job] of left) {
      decided.push({ id, decision: await withWorkflow(reopenings, job, await decide(job, now)) });
      if (performance.now() - began < mostDecidingMs) continue;
      await turn();
      began = performance.now();
    }
    const again: string[] = [];
    const moves = decided.flatMap(({ decision }) => (decision.kind === 'move' ? [decision.transition] : []));
    const moved = await batches.transitionAll(moves, (one) => one.kind);
    moves.forEach(({ id }, index) => {
      const outcome = moved[index];
      if (outcome?.status === 'rejected') throw outcome.reason;
      if (outcome?.value === 'moved') tally.changed += 1;
      else again.push(id);
    });
    const removals = decided.flatMap(({ id, decision }) => (decision.kind === 'remove' ? [id] : []));
    const removed = removals.length === 0 ? [] : await storage.jobs.remove(removals, { from: Terminal }, now);
    removals.forEach((id, index) => {
      if (removed[index]) tally.changed += 1;
      else again.push(id);
    });
    const inserts = decided.flatMap(({ decision }) => (decision.kind === 'insert' ? [[decision.read.job]] : []));
    for (const outcome of await batches.insertAll(inserts)) {
      if (outcome.status === 'fulfilled') tally.inserted(outcome.value[0]);
      else if (outcome.reason instanceof ProtocolError && outcome.reason.code === 'unsupported')
        tally.skip('too_many_queues');
      else throw outcome.reason;
    }
    for (const { decision } of decided) {
      if (decision.kind === 'done') tally.changed += 1;
      if (decision.kind === 'skip') tally.skip(decision.reason);
    }
    if (round === rounds) for (const _ of again.splice(0)) tally.skip('changing');
    const current = again.length === 0 ? [] : await storage.jobs.get(again);
    left = again.map((id, index) => [id, current[index] ?? null]);
  }
}

class Tally implements BulkTally {
  changed = 0;
  readonly skipped: Record<string, number> = {};

  skip(reason: string): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }

  /** An id belongs to one job of one operation, so a job that has it already is this one. */
  inserted(outcome: Inserted | undefined): void {
    if (outcome?.kind === 'duplicate' && outcome.by === 'unique') this.skip('duplicate');
    else if (outcome?.kind === 'full') this.skip('queue_full');
    else if (outcome?.kind === 'paused') this.skip('queue_paused');
    else this.changed += 1;
  }
}

/** The id of the job that an operation makes of another one: its time is that of the operation. */
function linkedId(operation: string, job: string): string {
  const digest = createHash('sha256').update(`${operation}\n${job}`).digest();
  return uuidAt(timeOfUuid(operation), digest, digest.readUInt16BE(8));
}
