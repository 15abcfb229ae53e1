import {
  type Changed,
  duplicateId,
  type Json,
  oneJob,
  ProtocolError,
  type PushedItem,
  type ReadEnvelope,
  readEnvelope,
  readEnvelopes,
  refusedBy,
  renderJob,
  replacement,
  stateName,
} from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { Ids } from '../ids.ts';
import { pressureHeaders } from '../queues/queues.ts';
import { ok, type Reply } from '../reply.ts';
import { checkEnvelopes } from '../schemas.ts';
import { warningsOf } from '../warnings.ts';

export const jobHandlers: Handlers<
  'job.enqueue' | 'job.enqueueBatch' | 'job.get' | 'job.cancel' | 'job.discard' | 'job.activate'
> = {
  'job.enqueue': enqueue,
  'job.enqueueBatch': enqueueBatch,
  'job.get': getJob,
  'job.cancel': cancelJob,
  'job.discard': discardJob,
  'job.activate': activateJob,
};

/**
 * POST /jobs (ojs-http-binding §7.1). A repeated id is 409 `duplicate`, unless the key of the call says that it is a
 * repeated call.
 */
export async function enqueue(engine: Engine, { body, key, strict }: BindingRequest): Promise<Reply> {
  const ids = new Ids(engine, key);
  const read = readEnvelope(requireBody(body), engine.clock.now(), () => ids.next());
  const unknown = warningsOf(read.unknown, strict);
  const warned = warnings([...unknown, ...(await checkEnvelopes(engine, [read]))]);
  const [item] = await push(engine, [read], ids);
  if (item === undefined) throw new Error('A push of one job was answered without one.');
  if (item.kind === 'deduplicated')
    return {
      ...ok(
        oneJob(item.job, renderJob(item.job, { now: engine.clock.now() }), `,"deduplicated":true${replacement(item)}`),
      ),
      ...warned,
    };
  const headers = { location: `/ojs/v1/jobs/${item.job.id}`, ...(await pressureHeaders(engine, [item.job])) };
  return { status: 201, text: oneJob(item.job, renderJob(item.job), replacement(item)), headers, ...warned };
}

/** POST /jobs/batch (ojs-http-binding §9): all or none, answered in order. */
export async function enqueueBatch(engine: Engine, { body, key, strict }: BindingRequest): Promise<Reply> {
  const ids = new Ids(engine, key);
  const read = readEnvelopes(requireBody(body), engine.clock.now(), () => ids.next());
  const seen = new Set<string>();
  for (const [index, { job }] of read.entries()) {
    if (seen.has(job.id)) throw duplicateId(job.id, index, 'twice in this batch');
    seen.add(job.id);
  }
  const unknown = warningsOf(
    read.flatMap((envelope) => envelope.unknown),
    strict,
  );
  const warned = warnings([...unknown, ...(await checkEnvelopes(engine, read))]);
  const items = await push(engine, read, ids);
  const now = engine.clock.now();
  const jobs = items.map((item) => {
    const extra = `${item.kind === 'deduplicated' ? ',"deduplicated":true' : ''}${replacement(item)}`;
    return renderJob(item.job, { now, ...(extra !== '' && { extra: extra.slice(1) }) });
  });
  const created = items.flatMap(({ kind, job }) => (kind === 'created' ? [job] : []));
  const text = `{"jobs":[${jobs.join(',')}],"count":${jobs.length},"enqueued":${created.length},"failed":0}`;
  return { status: 201, text, headers: await pressureHeaders(engine, created), ...warned };
}

/** GET /jobs/:id. A malformed id is as unknown as any other. */
export async function getJob(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const job = await engine.get(id);
  if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  return ok(oneJob(job, renderJob(job, { now: engine.clock.now() })));
}

/** DELETE /jobs/:id: CANCEL. */
export async function cancelJob(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  return changed(await engine.lifecycle.cancel(params.id ?? '', key));
}

/** POST /admin/jobs/:id/discard: for an operator, by ojs-sdk-guidelines §5.3; no binding has a route for it. */
export async function discardJob(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  return changed(await engine.lifecycle.discard(params.id ?? '', key));
}

/** POST /jobs/:id/activate. */
export async function activateJob(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  return changed(await engine.lifecycle.activate(params.id ?? '', key));
}

export function changed({ job, from }: Changed, extra = ''): Reply {
  return ok(oneJob(job, renderJob(job, { extra: `"previous_state":"${stateName(from)}"${extra}` })));
}

function warnings(all: NonNullable<Reply['warnings']>): Pick<Reply, 'warnings'> {
  return all.length === 0 ? {} : { warnings: all };
}

export function requireBody(body: Json | undefined): Json {
  if (body === undefined || body === '')
    throw new ProtocolError('invalid_payload', 'The request body is empty; expected a JSON object.');
  return body;
}

/** Enqueues all or none. Whose the ids are decides between a repeated call and a clash of ids. */
async function push(engine: Engine, read: readonly ReadEnvelope[], ids: Ids): Promise<readonly PushedItem[]> {
  const pushed = await engine.push(read);
  if (pushed.kind === 'refused') throw refusedBy(pushed.why, pushed.index);
  if (pushed.kind === 'repeated' && !ids.areOwn(read.length)) {
    const [first] = pushed.items;
    throw duplicateId(first?.job.id ?? '', 0, 'there already', first?.job);
  }
  return pushed.items;
}
