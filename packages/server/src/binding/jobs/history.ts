import { ProtocolError } from '@ojs-ts/core';
import { executionHistory, keptHistory, missingJob } from '@ojs-ts/core/lifecycle';
import { readPage } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<'clock' | 'history' | 'jobs' | 'lifecycle'>;

export const historyHandlers: Handlers<'job.history' | 'job.purgeHistory'> = {
  'job.history': history,
  'job.purgeHistory': purgeHistory,
};

/**
 * GET /jobs/:id/history (ojs-execution-history §7.1), oldest first. The cursor is the id of the last event, which may
 * have left the history since.
 */
async function history(engine: Engine, { params, query }: BindingRequest): Promise<Reply> {
  const { id = '' } = params;
  const { limit, cursor } = readPage(query);
  const job = await engine.jobs.get(id);
  if (job === null) throw missingJob(id);
  const all = executionHistory(job);
  const kept = keptHistory(all, job, engine.history, engine.clock.now());
  const read = cursor === null ? 0 : all.findIndex((event) => event.id === cursor) + 1;
  if (cursor !== null && read === 0) {
    const message = 'must be the next_cursor of an answer about this job, whose history was not purged since';
    throw ProtocolError.invalid([{ path: 'query.cursor', message }]);
  }
  const from = Math.max(0, read - (all.length - kept.length));
  const events = kept.slice(from, from + limit);
  const next = from + limit < kept.length ? (events.at(-1)?.id ?? null) : null;
  return json({ events, next_cursor: next, total: kept.length });
}

/** DELETE /jobs/:id/history (ojs-execution-history §7.3); repeatable. */
async function purgeHistory({ lifecycle }: Engine, { params: { id = '' } }: BindingRequest): Promise<Reply> {
  const deleted = await lifecycle.purgeHistory(id);
  return json({ deleted: deleted > 0, events_deleted: deleted });
}
