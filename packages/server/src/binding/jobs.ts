import { createHash } from 'node:crypto';
import {
  type Feature,
  type JobRecord,
  type Json,
  type NewJob,
  OjsFault,
  readEnvelope,
  readEnvelopes,
  renderJob,
  stateName,
  uuidFrom,
  uuidv7,
} from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { Changed } from '../engine/lifecycle.ts';
import { ok, type Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';

/** POST /jobs (ojs-http-binding §7.1). A repeated id is 409 `duplicate`, unless the call says by its key that it is a repetition. */
export async function enqueue(engine: Engine, { body, key }: BindingRequest): Promise<Reply> {
  const ids = new Ids(engine, key);
  const { job, uses } = readEnvelope(requireBody(body), engine.clock.now(), () => ids.next());
  refuse(uses);
  const [created] = await push(engine, [job], ids);
  const record = created as JobRecord;
  return { status: 201, text: `{"job":${renderJob(record)}}`, headers: { location: `/ojs/v1/jobs/${record.id}` } };
}

/** POST /jobs/batch (ojs-http-binding §9): all or none, answered in order. */
export async function enqueueBatch(engine: Engine, { body, key }: BindingRequest): Promise<Reply> {
  const ids = new Ids(engine, key);
  const read = readEnvelopes(requireBody(body), engine.clock.now(), () => ids.next());
  for (const { uses } of read) refuse(uses);
  const jobs = read.map(({ job }) => job);
  const seen = new Set<string>();
  for (const [index, { id }] of jobs.entries()) {
    if (seen.has(id)) throw duplicate(id, index, 'twice in this batch');
    seen.add(id);
  }
  const records = await push(engine, jobs, ids);
  return { status: 201, text: `{"jobs":[${records.map((job) => renderJob(job)).join(',')}],"count":${records.length}}` };
}

/** GET /jobs/:id. An id that cannot exist is as absent as one that does not. */
export async function getJob(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const job = await engine.get(id);
  if (job === null) throw new OjsFault('not_found', 'There is no job with this id.', { job_id: id });
  return ok(`{"job":${renderJob(job)}}`);
}

/** DELETE /jobs/:id: CANCEL. */
export async function cancelJob(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  return changed(await engine.lifecycle.cancel(params.id ?? '', key));
}

/** POST /jobs/:id/activate. */
export async function activateJob(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  return changed(await engine.lifecycle.activate(params.id ?? '', key));
}

export function changed({ job, from }: Changed, extra = ''): Reply {
  return ok(`{"job":${renderJob(job, { extra: `"previous_state":"${stateName(from)}"${extra}` })}}`);
}

/**
 * Ids for jobs that came without one. A call with an idempotency key gets the ids that follow from the key, so that its repetition means the same jobs;
 * their time stamp is the hash's, which nothing reads: order comes from the sequence of enqueueing.
 */
class Ids {
  readonly #engine: Engine;
  readonly #key: string | null;
  #minted = 0;

  constructor(engine: Engine, key: string | null) {
    this.#engine = engine;
    this.#key = key;
  }

  next(): string {
    const index = this.#minted++;
    if (this.#key === null) return uuidv7(this.#engine.clock);
    const hash = createHash('sha256').update(`${this.#key}\n${index}`).digest();
    return uuidFrom(hash.readUIntBE(0, 6), hash.readUIntBE(6, 6), hash.readUInt16BE(12));
  }

  /** Jobs that are there already are this call's own: it says so by its key, or nobody else could know their ids (the insert was tried twice). */
  areOwn(count: number): boolean {
    return this.#key !== null || this.#minted === count;
  }
}

function requireBody(body: Json | undefined): Json {
  if (body === undefined || body === '') throw new OjsFault('invalid_payload', 'The request body is empty; expected a JSON object.');
  return body;
}

function refuse(uses: readonly Feature[]): void {
  const feature = uses[0];
  if (feature !== undefined) {
    throw new OjsFault('unsupported', `options.${feature} is not supported by this server; the job was not enqueued.`, { feature });
  }
}

async function push(engine: Engine, jobs: readonly NewJob[], ids: Ids): Promise<readonly JobRecord[]> {
  const pushed = await engine.push(jobs);
  if (pushed.kind === 'created' || (pushed.kind === 'repeated' && ids.areOwn(jobs.length))) return pushed.jobs;
  if (pushed.kind === 'duplicate') throw duplicate(pushed.existing.id, pushed.index, 'there already', pushed.existing);
  throw duplicate(pushed.jobs[0]?.id ?? '', 0, 'there already', pushed.jobs[0]);
}

function duplicate(id: string, index: number, where: string, existing?: JobRecord): OjsFault {
  return new OjsFault('duplicate', `A job with id ${id} is ${where}; nothing was enqueued.`, {
    existing_job_id: id,
    index,
    ...(existing && { existing_job_state: stateName(existing.state) }),
  });
}
