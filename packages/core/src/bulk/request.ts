import { ProtocolError } from '../errors.ts';
import type { JobRecord, Json } from '../job/job.ts';
import type { JobFilter } from '../job/selection.ts';
import { AllStates, stateNames } from '../job/states.ts';
import { members } from '../json/json.ts';
import type { JobChanges } from '../lifecycle/job-changes.ts';
import { Fields, wrongValue } from '../requests/fields.ts';
import { spanOf } from '../requests/filters.ts';
import { searchFilter } from '../requests/lists.ts';
import { readJobFilter, requireConfirm } from '../requests/targets.ts';
import { operationFilter } from '../schemas/bulk.ts';
import { readMembers } from '../schemas/read.ts';
import { readBody } from '../schemas/requests.ts';
import type { Millis } from '../time/clock.ts';
import { readBulkChanges } from './changes.ts';
import { isUntouchedSince } from './decide.ts';
import { type BulkAction, type BulkSelection, bulkCutoff, bulkStates, isOfDeadLetter } from './operation.ts';

/** A request for a bulk operation. */
export interface BulkOperationRequest {
  readonly action: BulkAction;
  readonly selection: BulkSelection;
  /** The result of {@link bulkSubject}. */
  readonly filter: JobFilter;
  readonly changes: JobChanges;
  readonly rate: number | null;
  readonly dryRun: boolean;
}

/**
 * POST /admin/bulk: `{action, query, filter, changes, rate, dry_run, confirm}`.
 * @param value the parsed text, if it was parsed before.
 * @throws ProtocolError `invalid_request`, also for a filter that no job can match whose state the action changes; what
 * {@link readBulkChanges} throws for wrong changes.
 */
export function readBulkOperation(text: Json, value: unknown, now: Millis): BulkOperationRequest {
  const sent = readBody('bulk.start', { body: text, value }, now);
  const { action, query = null, rate = null, dry_run: dryRun = false } = sent;
  const texts = members(text);
  const filter = sent.filter === undefined ? null : (texts.get('filter') ?? null);
  if (query === null && filter === null) throw wrongValue('$.query', 'or filter is required: which jobs it is about');
  if (!dryRun) requireConfirm(sent);
  const changes = readBulkChanges(action, sent.changes && texts.get('changes'), { dryRun, now });
  const selection = { query, filter };
  const read = bulkSubject({ action, selection, startedAt: now });
  if (read.states === 0) throw nothing(action);
  return { action, selection, filter: read, changes, rate, dryRun };
}

function nothing(action: BulkAction): ProtocolError {
  const states = stateNames(bulkStates[action]).join(', ');
  const message = `No job can match: by a filter, ${action} changes jobs in the states ${states}.`;
  return new ProtocolError('invalid_request', message, { action });
}

/** The members of an operation that select its jobs. */
type Asked = {
  readonly action: BulkAction;
  readonly selection: BulkSelection;
  readonly startedAt: Millis;
};

/**
 * The jobs that fit the query and the filter, and are in a state that the action changes. Relative times count from the
 * start.
 * @throws ProtocolError `invalid_request`
 */
export function bulkSubject({ action, selection: { query, filter }, startedAt }: Asked): JobFilter {
  const fields = new Fields(filter === null ? {} : Fields.parse(filter), '$.filter');
  const sent = readMembers(fields, operationFilter(), startedAt);
  fields.done();
  const isDead = isOfDeadLetter(action);
  if (!isDead && sent.older_than !== undefined)
    throw wrongValue('$.filter.older_than', 'belongs to redrive and purge; say it in the query, as in finished<-30d');
  const { created, ...others } = readJobFilter(sent, AllStates);
  // For the dead letter, since and until are times of the end (ojs-dead-letter §6.2).
  const finished = isDead ? spanOf(sent) : undefined;
  const named = {
    ...others,
    ...(isDead && { deadLetter: true as const }),
    ...(!isDead && created && { created }),
    ...(finished && { finished }),
  };
  const found = query === null ? named : searchFilter(named, query, startedAt).filter;
  return { ...found, states: found.states & bulkStates[action] };
}

/** Narrows the jobs to those that are unchanged since the start: later ones are not touched. */
export function bulkFilter(asked: Asked): JobFilter {
  const subject = bulkSubject(asked);
  const { matches } = subject;
  const cutoff = bulkCutoff(asked);
  return {
    ...subject,
    matches: (job: JobRecord) => isUntouchedSince(job, cutoff) && (matches === undefined || matches(job)),
  };
}
