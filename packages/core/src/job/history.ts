import { elements } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { Failure } from './failure.ts';
import type { HistoryEntry, JobError, JobRecord, Json } from './job.ts';
import { State } from './states.ts';

/** Entries that a job keeps; at least ten of them are errors, if the job has so many (ojs-retry RET-15). */
export const maxHistory = 20;
const minErrors = 10;

export type HistoryHolder = Pick<JobRecord, 'history'>;

/**
 * A job's timeline, oldest first. Numbers within `error.details` are JavaScript numbers here; a rendered job has the
 * text as sent.
 */
export function historyOf(job: HistoryHolder): readonly HistoryEntry[] {
  return job.history === '' ? [] : JSON.parse(`[${job.history}]`);
}

/**
 * The last error of the job's current round of attempts: none before the first failure, and none after a retry from the
 * dead letter.
 */
export function lastError(job: HistoryHolder): JobError | null {
  const entry = lastEntry(job);
  return entry === null ? null : entry.error;
}

export type ErrorEntry = Extract<HistoryEntry, { readonly error: JobError }>;

/** The newest entry with an error since the last retry from the dead letter. */
export function lastEntry(job: HistoryHolder): ErrorEntry | null {
  for (const entry of historyOf(job).toReversed()) {
    if ('error' in entry) return entry;
    if (entry.kind === 'retried') return null;
  }
  return null;
}

/** How the execution under the given claim ended; null while it runs, and for an unknown claim. */
export function outcomeOf(
  job: Pick<JobRecord, 'state' | 'claim' | 'history'>,
  claim: number,
): 'completed' | 'failed' | 'requeued' | 'lost' | null {
  if (claim < 1 || claim > job.claim) return null;
  if (claim === job.claim && job.state === State.active) return null;
  if (claim === job.claim && job.state === State.completed) return 'completed';
  const entry = historyOf(job).findLast((candidate) => 'claim' in candidate && candidate.claim === claim);
  if (entry === undefined || !('claim' in entry) || entry.by === 'server') return 'lost';
  return entry.kind;
}

/** The history with one more entry, cut to its bounds. */
export function appendHistory(history: string, entry: Json): string {
  if (history === '') return entry;
  const entries = [...elements(`[${history}]`), entry];
  if (entries.length <= maxHistory) return `${history},${entry}`;
  const kinds = entries.map((text): HistoryEntry => JSON.parse(text));
  const scarce = kinds.filter((candidate) => 'error' in candidate).length <= minErrors;
  const victim = scarce ? kinds.findIndex((candidate) => !('error' in candidate)) : 0;
  return entries.filter((_, index) => index !== victim).join(',');
}

/** The text of a job error object (ojs-errors §6.1). `details` stays as sent. */
export function errorText(failure: Failure, attempt: number, at: Millis): Json {
  const time = formatTimestamp(at);
  const { code, type, message, retryable, details, backtrace } = failure;
  let text = `{"code":${JSON.stringify(code)},"type":${JSON.stringify(type)},"message":${JSON.stringify(message)}`;
  text += `,"attempt":${attempt},"occurred_at":"${time}","timestamp":"${time}"`;
  if (retryable !== undefined) text += `,"retryable":${retryable}`;
  if (details !== undefined) text += `,"details":${details}`;
  if (backtrace !== undefined) text += `,"backtrace":${JSON.stringify(backtrace)}`;
  return `${text}}`;
}

/** The text of an entry from its plain members and the text of its error. */
export function entryText(entry: Readonly<Record<string, unknown>>, error?: Json): Json {
  const text = JSON.stringify(entry);
  return error === undefined ? text : `${text.slice(0, -1)},"error":${error}}`;
}
