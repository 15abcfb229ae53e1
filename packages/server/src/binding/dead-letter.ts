import { OjsFault, renderJob, State } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import { changed } from './jobs.ts';
import { pagination, readPage } from './queries.ts';
import { json, ok, type Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';

/** GET /dead-letter: discarded jobs whose policy was `dead_letter` (X16), newest first. */
export async function listDeadLetter(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query, 50, 1_000);
  const queue = query.queue === undefined || query.queue === '' ? null : query.queue;
  const found = await engine.storage.jobs.list({
    states: State.discarded,
    deadLetter: true,
    ...(queue !== null && { queue }),
    ...(page.cursor === null ? { offset: page.offset } : { after: page.cursor }),
    limit: page.limit,
  });
  const queues = await engine.storage.registry.queues();
  const total = queues.reduce((sum, one) => (queue === null || one.name === queue ? sum + one.deadLetter : sum), 0);
  const shown = pagination(page, total, found.items.length, found.next);
  return ok(`{"jobs":[${found.items.map((job) => renderJob(job)).join(',')}],"total":${total},"pagination":${JSON.stringify(shown)}}`);
}

/** POST /dead-letter/:id/retry. */
export async function retryDeadLetter(engine: Engine, { params, key }: BindingRequest): Promise<Reply> {
  const retried = await engine.lifecycle.retry(params.id ?? '', key);
  const at = retried.job.enqueuedAt;
  return changed(retried, at === null ? '' : `,"re_enqueued_at":"${new Date(at).toISOString()}"`);
}

/** DELETE /dead-letter/:id: the job is gone from everywhere. */
export async function deleteDeadLetter(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const [deleted] = await engine.storage.jobs.remove([id], { from: State.discarded, deadLetter: true });
  if (!deleted) throw new OjsFault('not_found', 'There is no job with this id in the dead letter.', { job_id: id });
  return json({ deleted: true, job_id: id, id });
}
