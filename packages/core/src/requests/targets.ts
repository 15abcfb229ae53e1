/** Reads the jobs that a request names, and the changes to them. */
import type { Targets } from '../bulk/bulk.ts';
import { ProtocolError } from '../errors.ts';
import { deadLetters, type JobFilter, type Span } from '../job/selection.ts';
import { isState, State, type StateMask, Terminal } from '../job/states.ts';
import { isObject, members } from '../json/json.ts';
import type { JobEdit } from '../lifecycle/edit.ts';
import { changeNames, type JobChanges } from '../lifecycle/job-changes.ts';
import type { RerunOverride } from '../lifecycle/rerun.ts';
import { readRetry } from '../lifecycle/retry.ts';
import { expectedQueueName, isQueueName } from '../names.ts';
import { didYouMean } from '../suggestion.ts';
import { Fields } from './fields.ts';
import {
  intersection,
  readAge,
  readIds,
  readSpan,
  readStates,
  readSubject,
  readSubjects,
  requireConfirm,
} from './filters.ts';
import type { Query } from './pages.ts';

/** Reads the jobs of a bulk operation: `job_ids`, or those that fit a `filter`; `states` if it names none. */
export function readTargets(fields: Fields, states: StateMask): Targets {
  if (fields.string('atomicity') === 'atomic') {
    const message = 'This operation changes jobs one by one, so it cannot be atomic; nothing was changed.';
    throw new ProtocolError('unsupported', message, { feature: 'atomicity' });
  }
  const ids = readIds(fields, 'job_ids', 'ids');
  const filter = fields.object('filter');
  if ((ids === null) === (filter === null)) fields.issue('job_ids', 'or filter is required, and only one of them');
  const read = filter === null ? null : readJobFilter(filter, states);
  fields.done();
  return read === null ? { ids: ids ?? [] } : { filter: read };
}

export function readJobFilter(filter: Fields, fallback: StateMask): JobFilter {
  const enqueued = readSpan(filter, 'enqueued_after', 'enqueued_before');
  const created = readSpan(filter, 'since', 'until');
  const priority = filter.integer('priority', -100, 100);
  const meta = filter.object('meta');
  return {
    states: readStates(filter, fallback),
    ...readSubject(filter),
    ...(enqueued && { enqueued }),
    ...(created && { created }),
    ...(priority !== null && { priority }),
    ...(meta !== null && { meta: meta.body }),
  };
}

/** POST /dead-letter/retry: `{filter, confirm: true}`, or `{ids}`. */
export function readRetryTargets(fields: Fields, now: number): Targets {
  const ids = readIds(fields, 'ids', 'job_ids');
  const filter = readDeadFilter(fields, now);
  if (ids === null) requireConfirm(fields);
  fields.done();
  return ids === null ? { filter } : { ids };
}

/**
 * DELETE /dead-letter, POST /dead-letter/purge: deletes the jobs that match, by a body or by the query, because some
 * proxies drop the body of a DELETE.
 */
export function readPurge(body: string | undefined, query: Query, now: number): JobFilter {
  const fields = bodyOrQuery(body, query);
  const filter = readDeadFilter(fields, now);
  requireConfirm(fields);
  fields.done();
  return filter;
}

/** DELETE /admin/queues/:name/jobs: `{states, older_than, confirm: true}` (ojs-admin-api §6.5). */
export function readQueuePurge(queue: string, body: string | undefined, query: Query, now: number): JobFilter {
  const fields = bodyOrQuery(body, query);
  // An empty member, such as an unset variable of a shell leaves, must not widen what is deleted.
  if (fields.has('state') && fields.has('states')) fields.issue('state', 'must not come together with states');
  if (isEmpty(fields, 'older_than'))
    fields.issue('older_than', 'must not be empty; leave it out to delete jobs of every age');
  const states = readStates(fields, 0);
  if (states === 0) fields.issue('states', 'is required: the states of the jobs that are deleted');
  if ((states & State.active) !== 0)
    fields.issue('states', 'must not have active: a worker runs these jobs. Cancel them first');
  const finished = readAge(fields, 'older_than', now);
  if (finished !== undefined && (states & ~Terminal) !== 0)
    fields.issue(
      'older_than',
      'counts from the end of a job, so states must be out of completed, cancelled, discarded',
    );
  requireConfirm(fields);
  fields.done();
  return { states, queue, ...(finished && { finished }) };
}

function isEmpty(fields: Fields, name: string): boolean {
  return fields.body[name] === '' || fields.body[name] === null;
}

function bodyOrQuery(body: string | undefined, query: Query): Fields {
  const sent = body === undefined || body === '' ? {} : Fields.parse(body);
  const fields = new Fields({ ...query, ...sent });
  for (const [name, value] of Object.entries(query)) {
    // Lists and booleans have the text that a query would have.
    if (fields.has(name) && String(fields.raw(name)) !== value)
      fields.issue(name, `must not differ from ${name} in the query; nothing was changed. Send it once`);
  }
  return fields;
}

const overrides: readonly string[] = ['args', 'meta', 'queue', 'retry'];

/** Anything but an object with `override` comes from a client that sends a body with every action. */
export function readOverride(body: string | undefined): RerunOverride {
  if (body === undefined || body === '' || !body.includes('"override"')) return {};
  const fields = new Fields(Fields.parse(body));
  const override = fields.object('override');
  for (const name of Object.keys(override?.body ?? {})) {
    if (overrides.includes(name) || !override?.has(name)) continue;
    throw new ProtocolError(
      'unsupported',
      `A retry can change ${overrides.join(', ')}, not ${name.slice(0, 255)}; ` +
        `nothing was retried.${didYouMean(name, overrides)}`,
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

/** Reads the changes of a request to one job; null counts as absent (ojs-json-format §14.2). */
export function readChanges(body: string | undefined): JobChanges {
  if (body === undefined || body === '') return {};
  Fields.parse(body);
  const texts = members(body);
  return Object.fromEntries(
    changeNames.flatMap((name) => {
      const text = texts.get(name) ?? 'null';
      return text === 'null' ? [] : [[name, text]];
    }),
  );
}

/** The fields that an edit may change. */
export const editNames = changeNames.filter((name) => name !== 'queue');

/** @throws ProtocolError `unsupported` for another queue. */
export function checkEditable({ queue }: JobChanges): void {
  if (queue === undefined) return;
  const message = 'A waiting job keeps its queue, by which its limits and its unique key count; nothing was changed.';
  const hint = 'Cancel the job, then run it again in the other queue: POST /ojs/v1/admin/jobs/:id/rerun.';
  throw new ProtocolError('unsupported', message, { feature: 'edit.queue' }, hint);
}

/** PATCH /admin/jobs/:id: at least one change, and what the caller saw in `if_match`. */
export function readEdit(body: string | undefined): JobEdit {
  const fields = new Fields(Fields.parse(body));
  const changes = readChanges(body);
  checkEditable(changes);
  if (Object.keys(changes).length === 0)
    fields.issue(editNames[0] ?? '', `or another change is required: ${editNames.join(', ')}`);
  const seen = fields.object('if_match');
  const state = seen?.string('state') ?? undefined;
  if (state !== undefined && !isState(state)) seen?.issue('state', `must be one of ${Object.keys(State).join(', ')}`);
  const attempt = seen?.integer('attempt', 0, Number.MAX_SAFE_INTEGER) ?? undefined;
  const priority = seen?.integer('priority', -100, 100) ?? undefined;
  fields.done();
  return { changes, ifMatch: { state: isState(state) ? state : undefined, attempt, priority } };
}

/** From `filter`, from the members beside it, or from both: all of them must match. */
function readDeadFilter(fields: Fields, now: number): JobFilter {
  const nested = fields.object('filter');
  const finished = readFinished(nested === null ? [fields] : [fields, nested], now);
  const subject = nested === null ? readSubject(fields) : readSubjects(fields, nested);
  return { ...deadLetters, ...subject, ...(finished && { finished }) };
}

/** When the jobs ended: the intersection of `since`, `until` and `older_than`. */
export function readFinished(parts: readonly Fields[], now: number): Span | undefined {
  const spans = parts.flatMap((part) => [readSpan(part, 'since', 'until'), readAge(part, 'older_than', now)]);
  return intersection(spans.filter((span) => span !== undefined));
}
