import { isUuidv7, members, ProtocolError, readJson, uuidv7 } from '@ojs-ts/core';
import {
  checkpointOf,
  type JobRecord,
  type ReadEnvelope,
  readCheckpoint,
  readEnvelope,
  readEnvelopes,
  readProgress,
  renderCheckpoint,
  renderJob,
  renderOutcome,
  renderProgress,
} from '@ojs-ts/core/job';
import { atOnce, clearCheckpoint, push, reportProgress, rerunOf, run, saveCheckpoint } from '@ojs-ts/core/lifecycle';
import {
  acceptedOf,
  batchReply,
  changedReply,
  checkDistinct,
  enqueuedReply,
  listed,
  minimalReply,
  ok,
  oneJob,
  type PlainReply,
  readChanges,
  readEdit,
  readJobList,
  requireBody,
} from '@ojs-ts/core/requests';
import { listOf } from '../../json.ts';
import { type Answers, fieldsOf, param, type Request } from './reply.ts';
import type { Table } from './table.ts';

export function jobAnswers(table: Table): Answers {
  return {
    'job.enqueue': (call) => enqueue(table, call),
    'job.enqueueBatch': (call) => enqueueBatch(table, call),
    'job.get': (call) => {
      const job = table.known(param(call, 'id'));
      return ok(oneJob(job, renderJob(job, { now: table.now })));
    },
    'job.list': ({ query }) => listed(table, readJobList(query, table.now)),
    'job.cancel': (call) => changedReply(atOnce(table.lifecycle.cancel(param(call, 'id'), call.key))),
    'job.discard': (call) => changedReply(atOnce(table.lifecycle.discard(param(call, 'id'), call.key))),
    'job.rerun': (call) => rerun(table, call),
    'job.edit': (call) => changedReply(atOnce(table.lifecycle.edit(param(call, 'id'), call.key, readEdit(call.body)))),
    'job.activate': (call) => changedReply(atOnce(table.lifecycle.activate(param(call, 'id'), call.key))),
    'job.progress': (call) => ok(renderProgress(table.known(param(call, 'id')))),
    'job.reportProgress': (call) => report(table, call),
    'job.checkpoint': (call) => shownCheckpoint(table.known(param(call, 'id'))),
    'job.saveCheckpoint': (call) => {
      const id = param(call, 'id');
      const { sent, reporter } = readCheckpoint(requireBody(call.body), (lease) => table.leases.claimOf(id, lease));
      return shownCheckpoint(atOnce(run(saveCheckpoint(table, table.clock, id, sent, reporter))));
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
function enqueue(table: Table, { body, key }: Request): PlainReply {
  const read = readEnvelope(requireBody(body), table.now, () => uuidv7(table.clock));
  return pushOne(table, read, key);
}

function pushOne(table: Table, read: ReadEnvelope, key: string | null): PlainReply {
  const [item] = acceptedOf(atOnce(run(push(table, [read]))), key !== null);
  if (item === undefined) throw new Error('A push of one job was answered without one.');
  return enqueuedReply(item, table.now);
}

/** POST /admin/jobs/:id/rerun. A call is never repeated here, so the ids need not follow from its key. */
function rerun(table: Table, call: Request): PlainReply {
  const changes = readChanges(call.body);
  const job = table.known(param(call, 'id'));
  const id = call.body === undefined ? undefined : members(call.body).get('id');
  return pushOne(
    table,
    rerunOf(job, changes, table, () => uuidv7(table.clock), id),
    call.key,
  );
}

/** POST /jobs/batch: all or none, answered in order. */
function enqueueBatch(table: Table, { body, key }: Request): PlainReply {
  const text = requireBody(body);
  const value = readJson(text, 'The request body');
  const read = readEnvelopes(text, table.now, () => uuidv7(table.clock), table.now, value);
  checkDistinct(read);
  const items = acceptedOf(atOnce(run(push(table, read))), key !== null);
  return minimalReply(value, items, read) ?? batchReply(items, table.now);
}

/** A report that came too late is no error: `accepted` shows the difference. */
function report(table: Table, call: Request): PlainReply {
  const id = param(call, 'id');
  const { report, reporter } = readProgress(requireBody(call.body), (lease) => table.leases.claimOf(id, lease));
  const steps = reportProgress(table, table.clock, id, report, reporter);
  const { job, taken, sequence } = atOnce(run(steps));
  const more = sequence === null ? '' : `,"checkpoint_sequence":${sequence}`;
  return ok(`${renderProgress(job).slice(0, -1)},"accepted":${taken}${more}}`);
}

function shownCheckpoint(job: JobRecord): PlainReply {
  const checkpoint = checkpointOf(job);
  if (checkpoint === null) throw new ProtocolError('not_found', 'The job has no checkpoint.', { job_id: job.id });
  const text = renderCheckpoint(job.id, checkpoint);
  return ok(`{"checkpoint":${text},${text.slice(1)}`);
}

/** POST /jobs/results. Nothing happens while a call is held, so `wait_ms` is not waited. */
function results(table: Table, call: Request): PlainReply {
  const texts = listOf(fieldsOf(call).ids).map((id) => {
    const job = isUuidv7(id) ? table.get(id) : null;
    return `${JSON.stringify(id)}:${job === null ? 'null' : renderOutcome(job, table.now)}`;
  });
  return ok(`{"results":{${texts.join(',')}}}`);
}
