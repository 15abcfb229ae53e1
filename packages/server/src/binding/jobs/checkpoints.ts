import { isUuidv7, ProtocolError } from '@ojs-ts/core';
import { type Checkpoint, checkpointOf, type Reporter, readCheckpoint, renderCheckpoint } from '@ojs-ts/core/job';
import { Fields, requireBody } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, ok, type Reply } from '../reply.ts';
import { readOwner } from '../workers/settlements.ts';

type Engine = Parts<'jobs' | 'leases' | 'reports'>;

export const checkpointHandlers: Handlers<'job.checkpoint' | 'job.saveCheckpoint' | 'job.deleteCheckpoint'> = {
  'job.checkpoint': getCheckpoint,
  'job.saveCheckpoint': saveCheckpoint,
  'job.deleteCheckpoint': deleteCheckpoint,
};

/** POST and PUT /jobs/:id/checkpoint (ojs-durable-execution §4.1). */
async function saveCheckpoint(engine: Engine, { params, body }: BindingRequest): Promise<Reply> {
  const id = idOf(params);
  const { sent, reporter } = readCheckpoint(requireBody(body), (lease) => engine.leases.claimOf(id, lease));
  const job = await engine.reports.save(id, sent, reporter);
  return checkpointReply(job.id, checkpointOf(job));
}

/** GET /jobs/:id/checkpoint: 404 also for a job without a checkpoint. */
async function getCheckpoint(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = idOf(params);
  const job = await engine.jobs.get(id);
  if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  return checkpointReply(id, checkpointOf(job));
}

/** DELETE /jobs/:id/checkpoint; repeatable. The query or a body may name the worker that deletes it. */
async function deleteCheckpoint(engine: Engine, { params, query, body }: BindingRequest): Promise<Reply> {
  const id = idOf(params);
  const said = body === undefined || body === '' ? {} : Fields.parse(body);
  const { claim, worker } = readOwner(engine.leases, new Fields({ ...query, ...said, job_id: id }));
  const reporter: Reporter = { claim, worker, attempt: null };
  await engine.reports.clear(id, reporter);
  return json({ deleted: true, job_id: id });
}

/** Both shapes: nested (ojs-durable-execution §4) and flat (its official cases). */
function checkpointReply(id: string, checkpoint: Checkpoint | null): Reply {
  if (checkpoint === null) throw new ProtocolError('not_found', 'The job has no checkpoint.', { job_id: id });
  const text = renderCheckpoint(id, checkpoint);
  return ok(`{"checkpoint":${text},${text.slice(1)}`);
}

function idOf({ id = '' }: BindingRequest['params']): string {
  if (!isUuidv7(id)) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  return id;
}
