import {
  deadLetterReply,
  deadLetterStatsReply,
  Fields,
  readDeadLetterList,
  readOverride,
  readPurge,
  readRetryTargets,
  renderBulk,
  renderPurge,
  retriedReply,
} from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import { checkArgs } from '../../engine/schemas/check.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { jobsReply } from '../pieces.ts';
import { json, type Reply } from '../reply.ts';

type Engine = Parts<
  | 'answers'
  | 'clock'
  | 'deadLetter'
  | 'memory'
  | 'queues'
  | 'removals'
  | 'schemas'
  | 'searches'
  | 'settings'
  | 'storage'
>;

export const deadLetterHandlers: Handlers<
  | 'deadLetter.list'
  | 'deadLetter.stats'
  | 'deadLetter.get'
  | 'deadLetter.retry'
  | 'deadLetter.retryMany'
  | 'deadLetter.delete'
  | 'deadLetter.purge'
> = {
  'deadLetter.list': async (engine, request) => {
    const { query, access } = request;
    access?.chosen(query.queue === undefined ? [] : [query.queue]);
    return jobsReply(engine, request, readDeadLetterList(query, engine.clock.now()));
  },
  'deadLetter.stats': deadLetterStats,
  'deadLetter.get': getDeadLetter,
  'deadLetter.retry': retryDeadLetter,
  'deadLetter.retryMany': retryDeadLetters,
  'deadLetter.delete': deleteDeadLetter,
  'deadLetter.purge': purgeDeadLetters,
};

/**
 * GET /dead-letter/:id: the job at the top level, as ojs-dead-letter §9.2 has it, and under `job`, as everywhere else.
 */
async function getDeadLetter(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  return deadLetterReply(await engine.deadLetter.get(params.id ?? ''));
}

/** GET /dead-letter/stats (ojs-dead-letter §10.1). */
async function deadLetterStats(engine: Engine): Promise<Reply> {
  const stats = await engine.deadLetter.stats();
  const { dead_letter: gone } = await engine.removals.counts();
  return deadLetterStatsReply(stats, engine.settings.retention, gone);
}

/**
 * POST /dead-letter/:id/retry: unchanged, or with other args, more meta, another queue, another retry policy
 * (ojs-dead-letter §6.3).
 */
async function retryDeadLetter(engine: Engine, { params, body, key, access }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const override = readOverride(body);
  if (override.queue !== undefined) access?.queues([override.queue]);
  if (override.args !== undefined) await checkArgs(engine.schemas, await engine.deadLetter.get(id), override.args);
  const retried = await engine.deadLetter.retry(id, override, key);
  return retriedReply(retried);
}

/** POST /dead-letter/retry: `{filter, confirm: true}`, or `{ids}`. */
async function retryDeadLetters(engine: Engine, { body, key, requestId, access }: BindingRequest): Promise<Reply> {
  const targets = readRetryTargets(new Fields(Fields.parse(body)), engine.clock.now());
  await access?.targets(targets);
  return renderBulk('retried', await engine.deadLetter.retryMany(targets, key), requestId);
}

/** DELETE /dead-letter/:id: deletes the job. */
async function deleteDeadLetter(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  await engine.deadLetter.remove(id);
  return json({ deleted: true, job_id: id, id });
}

/**
 * DELETE /dead-letter, POST /dead-letter/purge: deletes the jobs that match, by a body or by the query, because some
 * proxies drop the body of a DELETE.
 */
async function purgeDeadLetters(engine: Engine, { body, query, requestId, access }: BindingRequest): Promise<Reply> {
  const filter = readPurge(body, query, engine.clock.now());
  await access?.targets({ filter });
  return renderPurge(await engine.deadLetter.purge(filter), requestId);
}
