import {
  didYouMean,
  expectedQueueName,
  formatDuration,
  formatTimestamp,
  isObject,
  isQueueName,
  members,
  ProtocolError,
  type RerunOverride,
  readRetry,
  renderBulk,
  renderJob,
  State,
} from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import { deadLetters, type JobFilter, type Span } from '../../engine/jobs/selection.ts';
import { Fields } from '../fields.ts';
import { intersection, readAge, readIds, readSpan, readSubject, requireConfirm } from '../filters.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { pagination, readPage } from '../queries.ts';
import { json, ok, type Reply } from '../reply.ts';
import { checkSchema } from '../schemas.ts';
import { changed } from './jobs.ts';

export const deadLetterHandlers: Handlers<
  | 'deadLetter.list'
  | 'deadLetter.stats'
  | 'deadLetter.get'
  | 'deadLetter.retry'
  | 'deadLetter.retryMany'
  | 'deadLetter.delete'
  | 'deadLetter.purge'
> = {
  'deadLetter.list': listDeadLetter,
  'deadLetter.stats': deadLetterStats,
  'deadLetter.get': getDeadLetter,
  'deadLetter.retry': retryDeadLetter,
  'deadLetter.retryMany': retryDeadLetters,
  'deadLetter.delete': deleteDeadLetter,
  'deadLetter.purge': purgeDeadLetters,
};

/**
 * GET /dead-letter: discarded jobs whose policy was `dead_letter`, newest first; with `include=discarded` all discarded
 * ones.
 */
async function listDeadLetter(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query, 50, 1_000);
  const fields = new Fields(query, 'query');
  const all = query.include === 'discarded';
  if (!all && query.include !== undefined && query.include !== '')
    throw ProtocolError.invalid([
      { path: 'query.include', message: `must be discarded.${didYouMean(query.include, ['discarded'])}` },
    ]);
  const subject = readSubject(fields);
  const finished = readFinished([fields], engine.clock.now());
  fields.done();
  const base: JobFilter = all ? { states: State.discarded } : deadLetters;
  const filter: JobFilter = { ...base, ...subject, ...(finished && { finished }) };
  const found = await engine.deadLetter.list(filter, { after: page.cursor, offset: page.offset, limit: page.limit });
  const { queue, ...others } = subject;
  const counted = Object.keys(others).length === 0 && finished === undefined;
  const seen = found.skipped + found.jobs.length;
  const total = counted ? await count(engine, queue ?? null, all) : seen;
  // Jobs that match a filter have no stored count: before the end, the total is the number read so far.
  const exact = counted || (found.next === null && page.cursor === null);
  const pageInfo = { ...pagination(page, total, found.jobs.length, found.next), ...(!exact && { total_exact: false }) };
  return ok(
    `{"jobs":[${found.jobs.map((job) => renderJob(job)).join(',')}],"total":${total},"pagination":${JSON.stringify(pageInfo)}}`,
  );
}

async function count(engine: Engine, queue: string | null, all: boolean): Promise<number> {
  const queues = await engine.storage.registry.queues();
  const counts = queues.map((one) => {
    if (queue !== null && one.name !== queue) return 0;
    return all ? (one.counts[State.discarded] ?? 0) : one.deadLetter;
  });
  return counts.reduce((sum, number) => sum + number, 0);
}

/**
 * GET /dead-letter/:id: the job at the top level, as ojs-dead-letter §9.2 has it, and under `job`, as everywhere else.
 */
async function getDeadLetter(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const job = renderJob(await engine.deadLetter.get(params.id ?? ''));
  return ok(`${job.slice(0, -1)},"job":${job}}`);
}

/** GET /dead-letter/stats (ojs-dead-letter §10.1). */
async function deadLetterStats(engine: Engine): Promise<Reply> {
  const { total, byQueue, byErrorType, counted, oldestAt, newestAt } = await engine.deadLetter.stats();
  const { deadLetterMs, keepDeadLetters } = engine.retention;
  const { dead_letter: gone } = await engine.removals.counts();
  return json({
    total,
    by_queue: byQueue,
    by_error_type: byErrorType,
    by_error_type_of: counted,
    oldest_at: oldestAt === null ? null : formatTimestamp(oldestAt),
    newest_at: newestAt === null ? null : formatTimestamp(newestAt),
    retention: { max_age: formatDuration(deadLetterMs), max_count: keepDeadLetters, removed_over_cap: gone },
  });
}

/**
 * POST /dead-letter/:id/retry: unchanged, or with other args, more meta, another queue, another retry policy
 * (ojs-dead-letter §6.3).
 */
async function retryDeadLetter(engine: Engine, { params, body, key }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const override = readOverride(body);
  if (override.args !== undefined) await checkArgs(engine, id, override.args);
  const retried = await engine.deadLetter.retry(id, override, key);
  const at = retried.job.enqueuedAt;
  return changed(retried, at === null ? '' : `,"re_enqueued_at":"${formatTimestamp(at)}"`);
}

const overrides: readonly string[] = ['args', 'meta', 'queue', 'retry'];

/** Anything but an object with `override` comes from a client that sends a body with every action. */
function readOverride(body: string | undefined): RerunOverride {
  if (body === undefined || body === '' || !body.includes('"override"')) return {};
  const fields = new Fields(Fields.parse(body));
  const override = fields.object('override');
  for (const name of Object.keys(override?.body ?? {})) {
    if (overrides.includes(name) || !override?.has(name)) continue;
    throw new ProtocolError(
      'unsupported',
      `A retry can change ${overrides.join(', ')}, not ${name.slice(0, 255)}; nothing was retried.${didYouMean(name, overrides)}`,
      {
        feature: `override.${name.slice(0, 255)}`,
      },
    );
  }
  if (override?.has('args') && !Array.isArray(override.raw('args'))) override.issue('args', 'must be an array');
  if (override?.has('meta') && !isObject(override.raw('meta'))) override.issue('meta', 'must be an object');
  const queue = override?.string('queue', 255) ?? null;
  if (queue !== null && !isQueueName(queue)) override?.issue('queue', `must be ${expectedQueueName}`);
  fields.done();
  const texts = members(members(body).get('override') ?? '{}');
  const [args, meta, retry] = [texts.get('args'), texts.get('meta'), texts.get('retry')];
  const read =
    override?.has('retry') && retry !== undefined ? readRetry(override.raw('retry'), '$.override.retry') : null;
  if (read !== null && 'issues' in read) throw ProtocolError.invalid(read.issues, 'validation_error');
  return {
    ...(queue !== null && { queue }),
    ...(read !== null && retry !== undefined && { retry: { text: retry, policy: read.policy } }),
    ...(args !== undefined && override?.has('args') && { args }),
    ...(meta !== undefined && override?.has('meta') && { meta }),
  };
}

/** New args must match the same schema. */
async function checkArgs(engine: Engine, id: string, args: string): Promise<void> {
  const { type, envelope } = await engine.deadLetter.get(id);
  const named: unknown = JSON.parse(members(envelope).get('schema') ?? 'null');
  await checkSchema(engine, { type, args, schema: typeof named === 'string' ? named : null });
}

/** POST /dead-letter/retry: `{filter, confirm: true}`, or `{ids}`. */
async function retryDeadLetters(engine: Engine, { body, key, requestId }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const ids = readIds(fields, 'ids', 'job_ids');
  const filter = readFilter(fields, engine.clock.now());
  if (ids === null) requireConfirm(fields);
  fields.done();
  return renderBulk('retried', await engine.deadLetter.retryMany(ids === null ? { filter } : { ids }, key), requestId);
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
async function purgeDeadLetters(engine: Engine, { body, query, requestId }: BindingRequest): Promise<Reply> {
  const said = body === undefined || body === '' ? {} : Fields.parse(body);
  const fields = new Fields({ ...query, ...said });
  const filter = readFilter(fields, engine.clock.now());
  requireConfirm(fields);
  fields.done();
  const result = await engine.deadLetter.purge(filter);
  const reply = renderBulk('deleted', result, requestId);
  return {
    ...reply,
    text: `{"purged_count":${result.items.filter(({ fault }) => fault === null).length},${reply.text.slice(1)}`,
  };
}

/** From `filter`, from the members beside it, or from both: all of them must match. */
function readFilter(fields: Fields, now: number): JobFilter {
  const nested = fields.object('filter');
  const finished = readFinished(nested === null ? [fields] : [fields, nested], now);
  const subject = { ...readSubject(fields), ...(nested && readSubject(nested)) };
  return { ...deadLetters, ...subject, ...(finished && { finished }) };
}

/** When the jobs ended: the intersection of `since`, `until` and `older_than`. */
function readFinished(parts: readonly Fields[], now: number): Span | undefined {
  const spans = parts.flatMap((part) => [readSpan(part, 'since', 'until'), readAge(part, 'older_than', now)]);
  return intersection(spans.filter((span) => span !== undefined));
}
