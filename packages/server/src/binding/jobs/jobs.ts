import { latestOf, members, ProtocolError } from '@ojs-ts/core';
import { renderExplanation } from '@ojs-ts/core/explain';
import { rerunFromStep, jobHandlers as shared, undoJob, warningsOf } from '@ojs-ts/core/handlers';
import { type ReadEnvelope, readEnvelope, readEnvelopes } from '@ojs-ts/core/job';
import { missingJob, type PushedItem, rerunOf, run } from '@ojs-ts/core/lifecycle';
import {
  acceptedOf,
  batchParts,
  batchReply,
  checkDistinct,
  enqueuedReply,
  minimalReply,
  readChanges,
  readDeadLetterList,
  readJobList,
  requireBody,
} from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import { checkEnvelopes } from '../../engine/schemas/check.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { Ids } from '../ids.ts';
import { jobsReply, joined } from '../pieces.ts';
import { pressureHeaders } from '../queues/queues.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<
  | 'answers'
  | 'clock'
  | 'explainer'
  | 'jobs'
  | 'leases'
  | 'lifecycle'
  | 'memory'
  | 'queueSettings'
  | 'queues'
  | 'reports'
  | 'schemas'
  | 'searches'
  | 'settings'
  | 'statistics'
  | 'steps'
  | 'storage'
>;

export const jobHandlers: Handlers<
  keyof typeof shared | 'job.enqueue' | 'job.enqueueBatch' | 'job.rerun' | 'job.undo'
> = {
  ...shared,
  'job.enqueue': enqueue,
  'job.enqueueBatch': enqueueBatch,
  'job.rerun': rerunJob,
  'job.undo': async (engine, request) => {
    const ids = new Ids(engine, request.key, `undo ${request.params.id ?? ''}`);
    return run(undoJob(engine, request, () => ids.next()));
  },
};

/**
 * POST /jobs (ojs-http-binding §7.1). A repeated id is 409 `duplicate`, unless the key of the call says that it is a
 * repeated call.
 */
export async function enqueue(engine: Engine, { body, key, strict, access }: BindingRequest): Promise<Reply> {
  const ids = new Ids(engine, key);
  const { clock } = engine;
  const read = readEnvelope(requireBody(body), clock.now(), () => ids.next(), {
    latest: latestOf(clock),
    fresh: key === null,
  });
  return pushOne(engine, read, ids, access, read.unknown.length === 0 ? [] : warningsOf(read.unknown, strict));
}

async function pushOne(
  engine: Engine,
  read: ReadEnvelope,
  ids: Ids,
  access: BindingRequest['access'],
  unknown: NonNullable<Reply['warnings']> = [],
): Promise<Reply> {
  access?.sent([read]);
  const warned = warnings([...unknown, ...(await checkEnvelopes(engine.schemas, [read]))]);
  const [item] = await push(engine, [read], ids);
  if (item === undefined)
    throw new Error(
      'The storage answered the enqueue of one job with no job. ' +
        'This is a bug of ojs-ts: please report it with this log line.',
    );
  const reply = enqueuedReply(item, engine.clock.now());
  const pressure = item.kind === 'created' ? await engine.queueSettings.pressure([item.job]) : null;
  if (pressure === null) return { ...reply, ...warned };
  return { ...reply, headers: { ...reply.headers, ...pressureHeaders(pressure) }, ...warned };
}

/** POST /jobs/batch (ojs-http-binding §9): all or none, answered in order. */
export async function enqueueBatch(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { body, value, key, strict, access } = request;
  const ids = new Ids(engine, key);
  const { clock } = engine;
  const read = readEnvelopes(requireBody(body), clock.now(), () => ids.next(), latestOf(clock), value);
  access?.sent(read);
  checkDistinct(read);
  const unknown = warningsOf(
    read.flatMap((envelope) => envelope.unknown),
    strict,
  );
  const warned = warnings([...unknown, ...(await checkEnvelopes(engine.schemas, read))]);
  const items = await push(engine, read, ids);
  const created = items.flatMap(({ kind, job }) => (kind === 'created' ? [job] : []));
  const pressure = await engine.queueSettings.pressure(created);
  const more = { headers: pressure === null ? {} : pressureHeaders(pressure), ...warned };
  const minimal = minimalReply(value, items, read);
  if (minimal !== null) return { ...minimal, ...more };
  // The answer is as long as the request: a long one is made piece by piece.
  if ((body?.length ?? 0) <= engine.memory.answer) return { ...batchReply(items, engine.clock.now()), ...more };
  return { status: 201, text: '', chunks: joined(batchParts(items, engine.clock.now())), ...more };
}

/**
 * POST /admin/jobs/:id/rerun: a new job with the work of one that has ended, changed as the body says, with the id of
 * the body or a new one. With an idempotency key a repeated call gets the job of the first one.
 */
export async function rerunJob(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { params, body, key, access } = request;
  const id = params.id ?? '';
  const ids = new Ids(engine, key, `rerun ${id}`);
  const continued = await run(rerunFromStep(engine, request, () => ids.next()));
  if (continued !== null) return continued;
  const changes = readChanges(body);
  const named = body === undefined || body === '' ? undefined : members(body).get('id');
  const job = await engine.jobs.get(id);
  if (job === null) throw missingJob(id);
  const { clock } = engine;
  const read = rerunOf(job, changes, { now: clock.now(), latest: latestOf(clock) }, () => ids.next(), named);
  return pushOne(engine, read, ids, access);
}

function warnings(all: NonNullable<Reply['warnings']>): Pick<Reply, 'warnings'> {
  return all.length === 0 ? {} : { warnings: all };
}

/** Enqueues all or none. Whose the ids are decides between a repeated call and a clash of ids. */
async function push(engine: Engine, read: readonly ReadEnvelope[], ids: Ids): Promise<readonly PushedItem[]> {
  return acceptedOf(await engine.jobs.push(read), ids.areOwn(read.length));
}

export const explainHandlers: Handlers<'job.explain'> = { 'job.explain': explain };

/** GET /admin/jobs/:id/explain: why the job is not running. With `step` the id is that of a workflow. */
async function explain({ explainer }: Engine, { params, query, access }: BindingRequest): Promise<Reply> {
  const { id = '' } = params;
  const { step } = query;
  if (step === '') throw ProtocolError.invalid([{ path: 'query.step', message: 'must be the id of a step' }]);
  const covers = access && ((queue: string) => access.covers(queue));
  const explained = step === undefined ? explainer.job(id, covers) : explainer.step(id, step, covers);
  return json(renderExplanation(await explained));
}

export const jobListHandlers: Handlers<'job.list' | 'deadLetter.list'> = {
  'job.list': async (engine, request) => {
    const { query, access } = request;
    const list = readJobList(query, engine.clock.now());
    const queue = query.queue ?? list.filter.queue;
    access?.chosen(queue === undefined ? [] : [queue]);
    return jobsReply(engine, request, list);
  },
  'deadLetter.list': async (engine, request) => {
    const { query, access } = request;
    access?.chosen(query.queue === undefined ? [] : [query.queue]);
    return jobsReply(engine, request, readDeadLetterList(query, engine.clock.now()));
  },
};
