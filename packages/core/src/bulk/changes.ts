import { readEnvelope } from '../envelope/envelope.ts';
import { ProtocolError } from '../errors.ts';
import { type JobRecord, type Json, recordOf } from '../job/job.ts';
import { objectText } from '../json/json.ts';
import { changedRequest, changeNames, type JobChanges } from '../lifecycle/job-changes.ts';
import { wrongValue } from '../requests/fields.ts';
import { checkEditable, editNames, readChanges } from '../requests/targets.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp, readTime } from '../time/timestamp.ts';
import type { BulkAction } from './operation.ts';

/** Characters of the changes: every operation on record has them, and a list of operations has many. */
const maxChanges = 65_536;

const times = ['scheduled_at', 'delay_until'] as const;

/** The changes that each action takes; the other actions take none. */
const changesOf: Partial<Record<BulkAction, readonly (keyof JobChanges)[]>> = {
  edit: editNames,
  priority: ['priority'],
  reschedule: times,
  rerun: changeNames,
};

/**
 * The changes of a request, checked as far as no job is known. A rerun may do without; a dry run, which only counts,
 * always may.
 * @param text of the member `changes`.
 * @throws ProtocolError `invalid_request`, `validation_error`; `unsupported` for an edit of the queue.
 */
export function readBulkChanges(
  action: BulkAction,
  text: Json | undefined,
  { dryRun, now }: { readonly dryRun: boolean; readonly now: Millis },
): JobChanges {
  const changes = readChanges(text);
  const taken = changesOf[action] ?? [];
  const names = changeNames.filter((name) => changes[name] !== undefined);
  if (text !== undefined && text.length > maxChanges) {
    const message = `must have at most ${maxChanges} characters; store the data elsewhere and send its id`;
    throw wrongValue('$.changes', message);
  }
  if (action === 'edit') checkEditable(changes);
  const needless = names.filter((name) => !taken.includes(name));
  const message = `must be left out: ${action} takes ${taken.join(' or ') || 'no changes'}`;
  if (needless.length > 0)
    throw ProtocolError.invalid(needless.map((name) => ({ path: `$.changes.${name}`, message })));
  if (names.length === 0 && taken.length > 0 && action !== 'rerun' && !dryRun)
    throw wrongValue('$.changes', `is required, with ${taken.join(' or ')}`);
  checkValues(action, changes, now);
  return changes;
}

/** As the reader of envelopes does for each job, but before the first of them is changed. */
function checkValues(action: BulkAction, changes: JobChanges, now: Millis): void {
  const isKnown = (name: string, text: Json) => action !== 'rerun' && times.some((one) => one === name) && isNow(text);
  const read = Object.fromEntries(Object.entries(changes).filter(([name, text]) => !isKnown(name, text)));
  readEnvelope(objectText(changedRequest(anyJob(now), read)), now, anyId, { at: '$.changes' });
}

function isNow(text: Json): boolean {
  return JSON.parse(text) === 'now';
}

function anyJob(now: Millis): JobRecord {
  return recordOf(readEnvelope('{"type":"any","args":[]}', now, anyId).job);
}

function anyId(): string {
  return '00000000-0000-7000-8000-000000000000';
}

/**
 * The changes with a moment in place of a relative time, which counts from the start of the operation: every job gets
 * the same, whenever its step comes.
 */
export function changesAt(changes: JobChanges, startedAt: Millis): JobChanges {
  const moments = times.flatMap((name) => {
    const text = changes[name];
    const sent: unknown = text === undefined ? null : JSON.parse(text);
    const at = typeof sent === 'string' ? readTime(sent, startedAt) : null;
    return at === null ? [] : [[name, JSON.stringify(formatTimestamp(at))] as const];
  });
  return { ...changes, ...Object.fromEntries(moments) };
}
