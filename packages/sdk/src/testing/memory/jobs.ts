import {
  type Answered,
  atOnce,
  type Call,
  type Changed,
  checkpointOf,
  clearCheckpoint,
  duplicateId,
  isUuidv7,
  type JobRecord,
  type OperationName,
  oneJob,
  ProtocolError,
  type PushedItem,
  push,
  type ReadEnvelope,
  readCheckpoint,
  readEnvelope,
  readEnvelopes,
  readProgress,
  refusedBy,
  renderCheckpoint,
  renderJob,
  renderOutcome,
  renderProgress,
  replacement,
  reportProgress,
  run,
  State,
  type StateMask,
  saveCheckpoint,
  stateName,
  uuidv7,
} from '@ojs-ts/core';
import { listOf } from '../../json.ts';
import { jobFilter } from './filter.ts';
import { bodyOf, fieldsOf, ok, pageOf, param, type Reply } from './reply.ts';
import type { Table } from './table.ts';

export type Answers<Name extends OperationName = OperationName> = Readonly<
  Partial<Record<Name, (call: Call) => Reply>>
>;

export function jobAnswers(table: Table): Answers {
  return {
    'job.enqueue': (call) => enqueue(table, call),
    'job.enqueueBatch': (call) => enqueueBatch(table, call),
    'job.get': (call) => {
      const job = table.known(param(call, 'id'));
      return ok(oneJob(job, renderJob(job, { now: table.now })));
    },
    'job.list': (call) => listJobs(table, call),
    'job.cancel': (call) => changed(table.lifecycle.cancel(param(call, 'id'), keyOf(call))),
    'job.discard': (call) => changed(table.lifecycle.discard(param(call, 'id'), keyOf(call))),
    'job.activate': (call) => changed(table.lifecycle.activate(param(call, 'id'), keyOf(call))),
    'job.progress': (call) => ok(renderProgress(table.known(param(call, 'id')))),
    'job.reportProgress': (call) => report(table, call),
    'job.checkpoint': (call) => shownCheckpoint(table.known(param(call, 'id'))),
    'job.saveCheckpoint': (call) => {
      const { state, reporter } = readCheckpoint(bodyOf(call));
      return shownCheckpoint(atOnce(run(saveCheckpoint(table, table.clock, param(call, 'id'), state, reporter))));
    },
    'job.deleteCheckpoint': (call) => {
      const id = param(call, 'id');
      atOnce(run(clearCheckpoint(table, id, { worker: null, claim: null, attempt: null })));
      return ok(`{"deleted":true,"job_id":"${id}"}`);
    },
    'job.result': (call) => ok(renderOutcome(table.known(param(call, 'id')), table.now)),
    'job.results': (call) => results(table, call),
  };
}

/** POST /jobs: a repeated id is 409, unless the call says by its key that it is a repetition. */
function enqueue(table: Table, call: Call): Reply {
  const read = readEnvelope(bodyOf(call), table.now, () => uuidv7(table.clock));
  const [item] = pushAll(table, call, [read]);
  if (item === undefined) throw new Error('A push of one job was answered without one.');
  if (item.kind === 'deduplicated')
    return ok(oneJob(item.job, renderJob(item.job), `,"deduplicated":true${replacement(item)}`));
  return {
    ...ok(oneJob(item.job, renderJob(item.job), replacement(item))),
    status: 201,
    headers: { location: `/ojs/v1/jobs/${item.job.id}` },
  };
}

/** POST /jobs/batch: all or none, answered in order. */
function enqueueBatch(table: Table, call: Call): Reply {
  const read = readEnvelopes(bodyOf(call), table.now, () => uuidv7(table.clock));
  const seen = new Set<string>();
  for (const [index, { job }] of read.entries()) {
    if (seen.has(job.id)) throw duplicateId(job.id, index, 'twice in this batch');
    seen.add(job.id);
  }
  const items = pushAll(table, call, read);
  const jobs = items.map((item) => {
    const extra = `${item.kind === 'deduplicated' ? ',"deduplicated":true' : ''}${replacement(item)}`;
    return renderJob(item.job, extra === '' ? {} : { extra: extra.slice(1) });
  });
  const created = items.filter(({ kind }) => kind === 'created').length;
  return { status: 201, text: `{"jobs":[${jobs.join(',')}],"count":${jobs.length},"enqueued":${created},"failed":0}` };
}

/** Enqueues all or none; a call with an idempotency key may be a repetition. */
function pushAll(table: Table, call: Call, read: readonly ReadEnvelope[]): readonly PushedItem[] {
  const pushed = atOnce(run(push(table, read)));
  if (pushed.kind === 'refused') throw refusedBy(pushed.why, pushed.index);
  const [first] = pushed.items;
  if (pushed.kind === 'repeated' && call.idempotencyKey === undefined && first !== undefined)
    throw duplicateId(first.job.id, 0, 'there already', first.job);
  return pushed.items;
}

const all: StateMask = Object.values(State).reduce((mask, state) => mask | state, 0);

/** GET /jobs, newest first. */
function listJobs(table: Table, call: Call): Reply {
  const found = [...table.jobs.values()].filter(jobFilter(call.query ?? {}, all));
  const { items, pagination } = pageOf(call, found.reverse());
  const jobs = `[${items.map((job) => renderJob(job, { now: table.now })).join(',')}]`;
  return ok(`{"jobs":${jobs},"total":${found.length},"pagination":${JSON.stringify(pagination)}}`);
}

export function changed(answer: Answered<Changed>, more: (job: JobRecord) => string = () => ''): Reply {
  const { job, from } = atOnce(answer);
  return ok(oneJob(job, renderJob(job, { extra: `"previous_state":"${stateName(from)}"${more(job)}` })));
}

export function keyOf({ idempotencyKey }: Call): string | null {
  return idempotencyKey ?? null;
}

/** A report that came too late is no error: `accepted` tells it apart. */
function report(table: Table, call: Call): Reply {
  const { report, reporter } = readProgress(bodyOf(call));
  const steps = reportProgress(table, table.clock, param(call, 'id'), report, reporter);
  const { job, taken, sequence } = atOnce(run(steps));
  const more = sequence === null ? '' : `,"checkpoint_sequence":${sequence}`;
  return ok(`${renderProgress(job).slice(0, -1)},"accepted":${taken}${more}}`);
}

function shownCheckpoint(job: JobRecord): Reply {
  const checkpoint = checkpointOf(job);
  if (checkpoint === null) throw new ProtocolError('not_found', 'The job has no checkpoint.', { job_id: job.id });
  const text = renderCheckpoint(job.id, checkpoint);
  return ok(`{"checkpoint":${text},${text.slice(1)}`);
}

/** POST /jobs/results. Nothing happens while a call is held, so `wait_ms` is not waited. */
function results(table: Table, call: Call): Reply {
  const texts = listOf(fieldsOf(call).ids).map((id) => {
    const job = isUuidv7(id) ? table.jobs.get(id) : undefined;
    return `${JSON.stringify(id)}:${job === undefined ? 'null' : renderOutcome(job, table.now)}`;
  });
  return ok(`{"results":{${texts.join(',')}}}`);
}
