import { changedReply, oneJob, retriedReply } from '../answers.ts';
import { renderJob } from '../envelope/render.ts';
import { ProtocolError } from '../errors.ts';
import { type Checkpoint, checkpointOf, readCheckpoint, renderCheckpoint } from '../job/checkpoint.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import type { Leases } from '../job/lease.ts';
import { progressOf, readProgress, renderProgress } from '../job/progress.ts';
import { missingJob } from '../job-store.ts';
import type { Changed, Lifecycle } from '../lifecycle/lifecycle.ts';
import { Fields, requireBody } from '../requests/fields.ts';
import { json, ok, type PlainReply } from '../requests/reply.ts';
import { readEdit } from '../requests/targets.ts';
import { readQuery } from '../schemas/requests.ts';
import { type Answered, ask, type Steps } from '../steps.ts';
import type { Clock } from '../time/clock.ts';
import { isUuidv7 } from '../uuid.ts';
import { type Handler, type Handlers, idOf, inSteps, type Parents, type Request } from './handler.ts';
import type { Reports } from './reports.ts';
import { checkArgs, type SchemaChecks } from './schema-checks.ts';

interface Host {
  readonly clock: Clock;
  readonly jobs: { get(id: JobId): Answered<JobRecord | null> };
  readonly parents: Parents;
  readonly lifecycle: Lifecycle;
  readonly leases: Leases;
  readonly reports: Reports;
  readonly schemas: SchemaChecks;
}

export const jobHandlers: Handlers<
  Host,
  | 'job.get'
  | 'job.cancel'
  | 'job.retry'
  | 'job.discard'
  | 'job.edit'
  | 'job.activate'
  | 'job.progress'
  | 'job.reportProgress'
  | 'worker.progress'
  | 'job.checkpoint'
  | 'job.saveCheckpoint'
  | 'job.deleteCheckpoint'
> = {
  /** GET /jobs/:id. A malformed id is as unknown as any other. */
  'job.get': inSteps(function* (host, request) {
    const job = yield* ask(host.parents.of(yield* find(host, request)));
    return ok(oneJob(job, renderJob(job, { now: host.clock.now() })));
  }),
  /** DELETE /jobs/:id: CANCEL. */
  'job.cancel': inSteps(function* ({ lifecycle, clock }, request) {
    const { undo } = readQuery('job.cancel', request.query, clock.now());
    return changedReply(yield* ask(lifecycle.cancel(idOf(request), request.key, undefined, undo)));
  }),
  /**
   * POST /admin/jobs/:id/retry (ojs-admin-api §7.4): a discarded job starts again with attempt 0, a retryable one is
   * available at once. A cancelled job stays so (ojs-core §6.3).
   */
  'job.retry': changing((lifecycle, id, key) => lifecycle.rerun(id, key), retriedReply),
  /** POST /admin/jobs/:id/discard: for an operator, by ojs-sdk-guidelines §5.3; no binding has a route for it. */
  'job.discard': changing((lifecycle, id, key) => lifecycle.discard(id, key)),
  /** PATCH /admin/jobs/:id: changes a job that waits. New args must match its schema. */
  'job.edit': inSteps(function* ({ jobs, lifecycle, schemas }, request) {
    const id = idOf(request);
    const edit = readEdit(request.body);
    const { args } = edit.changes;
    const job = args === undefined ? null : yield* ask(jobs.get(id));
    if (args !== undefined && job !== null) yield* ask(checkArgs(schemas, job, args));
    return changedReply(yield* ask(lifecycle.edit(id, request.key, edit)));
  }),
  /** POST /jobs/:id/activate. */
  'job.activate': changing((lifecycle, id, key) => lifecycle.activate(id, key)),
  /** GET /jobs/:id/progress (ojs-progress §7.1). */
  'job.progress': inSteps(function* (host, request) {
    return progressReply(yield* find(host, request));
  }),
  'job.reportProgress': inSteps(function* (host, request) {
    return yield* reportProgress(host, idOf(request), requireBody(request.body));
  }),
  /** POST /workers/progress, as the official SDKs send it: the job's id and a percentage. */
  'worker.progress': inSteps(function* (host, { access, body }) {
    const fields = new Fields(Fields.parse(body));
    const id = fields.requiredString('job_id');
    fields.done();
    if (access) yield* ask(access.jobs([id]));
    return yield* reportProgress(host, id, requireBody(body));
  }),
  /** GET /jobs/:id/checkpoint: 404 also for a job without a checkpoint. */
  'job.checkpoint': inSteps(function* (host, request) {
    const job = yield* find(host, request);
    return checkpointReply(job.id, checkpointOf(job));
  }),
  /** POST and PUT /jobs/:id/checkpoint (ojs-durable-execution §4.1). */
  'job.saveCheckpoint': inSteps(function* ({ leases, reports }, request) {
    const id = knownIdOf(request);
    const { sent, reporter } = readCheckpoint(requireBody(request.body), (lease) => leases.claimOf(id, lease));
    const { job } = yield* ask(reports.save(id, sent, reporter));
    return checkpointReply(id, checkpointOf(job));
  }),
  /** DELETE /jobs/:id/checkpoint; repeatable. The query or a body may name the worker that deletes it. */
  'job.deleteCheckpoint': inSteps(function* ({ leases, reports }, request) {
    const id = knownIdOf(request);
    const { body, query } = request;
    const fields = new Fields({
      ...query,
      ...(body === undefined || body === '' ? {} : Fields.parse(body)),
      job_id: id,
    });
    yield* ask(reports.clear(id, { ...readOwner(leases, fields), attempt: null }));
    return json({ deleted: true, job_id: id });
  }),
};

/** PUT /jobs/:id/progress. A late report is no error: its answer has `accepted: false` (ojs-progress PRG-007). */
function* reportProgress({ leases, reports }: Host, id: JobId, text: Json): Steps<PlainReply> {
  const read = readProgress(text, (lease) => leases.claimOf(id, lease));
  if (!isUuidv7(id)) throw missingJob(id);
  const { job, taken, sequence } = yield* ask(reports.progress(id, read.report, read.reporter));
  return progressReply(job, `,"accepted":${taken}${sequence === null ? '' : `,"checkpoint_sequence":${sequence}`}`);
}

export interface JobOwner {
  readonly id: JobId;
  readonly claim: number | null;
  readonly worker: string | null;
}

/**
 * Who acts on a job, as far as the request says. A lease that the server did not issue counts as an ended one. Throws
 * `not_found` for a malformed id.
 */
export function readOwner(leases: Leases, fields: Fields, worker?: string): JobOwner {
  const id = fields.requiredString('job_id');
  const lease = fields.string('x_lease', 64);
  const owner = worker ?? fields.pathName('worker_id');
  fields.done();
  // A malformed id is as unknown as any other.
  if (!isUuidv7(id)) throw missingJob(id);
  return { id, claim: lease === null ? null : leases.claimOf(id, lease), worker: owner };
}

function changing(
  change: (lifecycle: Lifecycle, id: JobId, key: string | null) => Answered<Changed>,
  reply: (changed: Changed) => PlainReply = (changed) => changedReply(changed),
): Handler<Host> {
  return inSteps(function* ({ lifecycle }, request) {
    return reply(yield* ask(change(lifecycle, idOf(request), request.key)));
  });
}

function* find({ jobs }: Host, request: Request): Steps<JobRecord> {
  const id = idOf(request);
  const job = yield* ask(jobs.get(id));
  if (job === null) throw missingJob(id);
  return job;
}

function knownIdOf(request: Request): JobId {
  const id = idOf(request);
  if (!isUuidv7(id)) throw missingJob(id);
  return id;
}

function progressReply(job: JobRecord, more = ''): PlainReply {
  const progress = progressOf(job);
  const fraction = progress?.fraction ?? null;
  const headers = {
    'cache-control': 'no-cache',
    ...(fraction !== null && { 'x-ojs-progress': String(fraction) }),
    ...(progress !== null && { 'last-modified': new Date(progress.at).toUTCString() }),
  };
  return { ...ok(`${renderProgress(job).slice(0, -1)}${more}}`), headers };
}

/** Both shapes: nested (ojs-durable-execution §4) and flat (its official cases). */
function checkpointReply(id: JobId, checkpoint: Checkpoint | null): PlainReply {
  if (checkpoint === null) {
    const hint = 'A worker saves checkpoints while the job runs; they are deleted when it completes.';
    throw new ProtocolError('not_found', `The job ${id} has no checkpoint.`, { job_id: id }, hint);
  }
  const text = renderCheckpoint(id, checkpoint);
  return ok(`{"checkpoint":${text},${text.slice(1)}`);
}
