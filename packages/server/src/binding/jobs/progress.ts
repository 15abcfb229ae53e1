import { isUuidv7, ProtocolError } from '@ojs-ts/core';
import { type JobRecord, progressOf, readProgress, renderProgress } from '@ojs-ts/core/job';
import { Fields, requireBody } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { ok, type Reply } from '../reply.ts';

type Engine = Parts<'jobs' | 'leases' | 'reports'>;

export const progressHandlers: Handlers<'job.progress' | 'job.reportProgress' | 'worker.progress'> = {
  'job.progress': getProgress,
  'job.reportProgress': (engine, { params, body }) => report(engine, params.id ?? '', requireBody(body)),
  'worker.progress': reportByWorker,
};

/** GET /jobs/:id/progress (ojs-progress §7.1). */
async function getProgress(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const job = await engine.jobs.get(id);
  if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  return progressReply(job);
}

/** POST /workers/progress, as the official SDKs send it: the job's id and a percentage. */
async function reportByWorker(engine: Engine, { body, access }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const id = fields.requiredString('job_id');
  fields.done();
  await access?.jobs([id]);
  return report(engine, id, requireBody(body));
}

/** PUT /jobs/:id/progress. A late report is no error: its answer has `accepted: false` (ojs-progress PRG-007). */
async function report(engine: Engine, id: string, text: string): Promise<Reply> {
  const read = readProgress(text, (lease) => engine.leases.claimOf(id, lease));
  if (!isUuidv7(id)) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  const { job, taken, sequence } = await engine.reports.progress(id, read.report, read.reporter);
  return progressReply(job, `,"accepted":${taken}${sequence === null ? '' : `,"checkpoint_sequence":${sequence}`}`);
}

function progressReply(job: JobRecord, more = ''): Reply {
  const progress = progressOf(job);
  const fraction = progress?.fraction ?? null;
  const headers = {
    'cache-control': 'no-cache',
    ...(fraction !== null && { 'x-ojs-progress': String(fraction) }),
    ...(progress !== null && { 'last-modified': new Date(progress.at).toUTCString() }),
  };
  return { ...ok(`${renderProgress(job).slice(0, -1)}${more}}`), headers };
}
