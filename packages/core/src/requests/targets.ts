/** Reads the jobs that a request names, and the changes to them. */
import type { Targets } from '../bulk/bulk.ts';
import { ProtocolError } from '../errors.ts';
import { deadLetters, type JobFilter } from '../job/selection.ts';
import { State, type StateMask, Terminal } from '../job/states.ts';
import { members } from '../json/json.ts';
import type { JobEdit } from '../lifecycle/edit.ts';
import { changeNames, type JobChanges } from '../lifecycle/job-changes.ts';
import type { RerunOverride } from '../lifecycle/rerun.ts';
import { readRetry } from '../lifecycle/retry.ts';
import { confirmText } from '../schemas/members.ts';
import { type BodyOf, readBody } from '../schemas/requests.ts';
import { didYouMean } from '../suggestion.ts';
import { type Body, Fields, wrongValue } from './fields.ts';
import { readSubject, readSubjects, spanOf, statesOf } from './filters.ts';
import type { Query } from './pages.ts';

type Sent = Parameters<typeof readBody>[1];

/** Reads the jobs of a bulk operation: `job_ids`, or those that fit a `filter`; `states` if it names none. */
export function readTargets(request: Sent, states: StateMask, now: number, isConfirmed = false): Targets {
  const sent = readBody('bulk.cancel', request, now);
  if (isConfirmed) requireConfirm(sent);
  const { atomicity, ids: other, job_ids: ids = other, filter } = sent;
  if (atomicity === 'atomic') {
    const message = 'This operation changes jobs one by one, so it cannot be atomic; nothing was changed.';
    throw new ProtocolError('unsupported', message, { feature: 'atomicity' });
  }
  if ((ids === undefined) === (filter === undefined))
    throw wrongValue(
      '$.job_ids',
      `or filter is required, got ${ids === undefined ? 'neither' : 'both: send one of them'}`,
    );
  return filter === undefined ? { ids: ids ?? [] } : { filter: readJobFilter(filter, states) };
}

export function readJobFilter(filter: NonNullable<BodyOf<'bulk.cancel'>['filter']>, fallback: StateMask): JobFilter {
  const { enqueued_after: since, enqueued_before: until, priority, meta } = filter;
  const enqueued = spanOf({ since, until });
  const created = spanOf(filter);
  return {
    states: statesOf(filter, fallback),
    ...readSubject(filter, '$.filter'),
    ...(enqueued && { enqueued }),
    ...(created && { created }),
    ...(priority !== undefined && { priority }),
    ...(meta !== undefined && { meta }),
  };
}

/** POST /dead-letter/retry: `{filter, confirm: true}`, or `{ids}`. */
export function readRetryTargets(request: Sent, now: number): Targets {
  const sent = readBody('deadLetter.retryMany', request, now);
  const { job_ids: other, ids = other } = sent;
  const filter = readDeadFilter(sent);
  if (ids === undefined) requireConfirm(sent);
  return ids === undefined ? { filter } : { ids };
}

/**
 * DELETE /dead-letter, POST /dead-letter/purge: deletes the jobs that match, by a body or by the query, because some
 * proxies drop the body of a DELETE.
 */
export function readPurge(body: string | undefined, query: Query, now: number): JobFilter {
  const sent = readBody('deadLetter.purge', { value: bodyOrQuery(body, query) }, now);
  const filter = readDeadFilter(sent);
  requireConfirm(sent);
  return filter;
}

/** DELETE /admin/queues/:name/jobs: `{states, older_than, confirm: true}` (ojs-admin-api §6.5). */
export function readQueuePurge(queue: string, body: string | undefined, query: Query, now: number): JobFilter {
  const value = bodyOrQuery(body, query);
  const sent = readBody('queue.purge', { value }, now);
  // An empty member, such as an unset variable of a shell leaves, must not widen what is deleted.
  if (sent.state !== undefined && sent.states !== undefined)
    throw wrongValue('$.state', 'must not come together with states');
  if (value.older_than === '' || value.older_than === null)
    throw wrongValue('$.older_than', 'must not be empty; leave it out to delete jobs of every age');
  const states = statesOf(sent, 0);
  if (states === 0) throw wrongValue('$.states', 'is required: the states of the jobs that are deleted');
  if ((states & State.active) !== 0)
    throw wrongValue('$.states', 'must not have active: a worker runs these jobs. Cancel them first');
  const finished = spanOf(sent);
  if (finished !== undefined && (states & ~Terminal) !== 0) {
    const message = 'counts from the end of a job, so states must be out of completed, cancelled, discarded';
    throw wrongValue('$.older_than', message);
  }
  requireConfirm(sent);
  return { states, queue, ...(finished && { finished }) };
}

function bodyOrQuery(body: string | undefined, query: Query): Body {
  const sent = body === undefined || body === '' ? {} : Fields.parse(body);
  const wrong = Object.entries(query).flatMap(([name, value]) => {
    // Lists and booleans have the text that a query would have.
    if (sent[name] == null || String(sent[name]) === value) return [];
    const message = `must not differ from ${name} in the query; nothing was changed. Send it once`;
    return [{ path: `$.${name}`, message }];
  });
  if (wrong.length > 0) throw ProtocolError.invalid(wrong);
  return { ...query, ...sent };
}

/** `confirm: true`, which operations require that destroy or move many jobs (ojs-dead-letter §6.2). */
export function requireConfirm({ confirm }: { readonly confirm?: true }): void {
  if (!confirm) throw wrongValue('$.confirm', confirmText);
}

const overrides: readonly string[] = ['args', 'meta', 'queue', 'retry'];

/** Anything but an object with `override` comes from a client that sends a body with every action. */
export function readOverride(body: string | undefined): RerunOverride {
  if (body === undefined || body === '' || !body.includes('"override"')) return {};
  const texts = new Map([...members(members(body).get('override') ?? '{}')].filter(([, text]) => text !== 'null'));
  for (const name of texts.keys()) {
    if (overrides.includes(name)) continue;
    throw new ProtocolError(
      'unsupported',
      `A retry can change ${overrides.join(', ')}, not ${name.slice(0, 255)}; ` +
        `nothing was retried.${didYouMean(name, overrides)}`,
      {
        feature: `override.${name.slice(0, 255)}`,
      },
    );
  }
  const { override: { queue, retry: policy } = {} } = readBody('deadLetter.retry', { body }, 0);
  const [args, meta, retry] = [texts.get('args'), texts.get('meta'), texts.get('retry')];
  const read = retry === undefined ? null : readRetry(policy, '$.override.retry');
  if (read !== null && 'issues' in read) throw ProtocolError.invalid(read.issues, 'validation_error');
  return {
    ...(queue !== undefined && { queue }),
    ...(read !== null && retry !== undefined && { retry: { text: retry, policy: read.policy } }),
    ...(args !== undefined && { args }),
    ...(meta !== undefined && { meta }),
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
  const hint =
    'Cancel the job, then run it again in the other queue: ojs jobs rerun ID, or POST /ojs/v1/admin/jobs/:id/rerun.';
  throw new ProtocolError('unsupported', message, { feature: 'edit.queue' }, hint);
}

/** PATCH /admin/jobs/:id: at least one change, and what the caller saw in `if_match`. */
export function readEdit(body: string | undefined): JobEdit {
  const { if_match: { state, attempt, priority } = {} } = readBody('job.edit', { body }, 0);
  const changes = readChanges(body);
  checkEditable(changes);
  if (Object.keys(changes).length === 0)
    throw wrongValue(`$.${editNames[0]}`, `or another change is required: ${editNames.join(', ')}`);
  return { changes, ifMatch: { state, attempt, priority } };
}

/** From `filter`, from the members beside it, or from both: all of them must match. */
function readDeadFilter(sent: BodyOf<'deadLetter.purge'>): JobFilter {
  const { filter } = sent;
  const finished = filter === undefined ? spanOf(sent) : spanOf(sent, filter);
  const subject = filter === undefined ? readSubject(sent, '$') : readSubjects(sent, filter);
  return { ...deadLetters, ...subject, ...(finished && { finished }) };
}
