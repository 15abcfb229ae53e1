import { elements, members, utf8Length } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { historyOf } from './history.ts';
import type { JobRecord, Json } from './job.ts';
import { State, stateName, Terminal } from './states.ts';

/** How many seconds after the end of its job a result can be read (ojs-results §6.1). */
export const defaultResultTtl = 604_800;

/** Seconds; 0 keeps no result, -1 keeps it as long as the job. Anything but a whole number is the default. */
export function resultTtl({ envelope }: Pick<JobRecord, 'envelope'>): number {
  // Few jobs have the member, and a search of the text costs a tenth of reading it.
  if (!envelope.includes('"result_ttl"')) return defaultResultTtl;
  const ttl = Number(members(envelope).get('result_ttl') ?? defaultResultTtl);
  return Number.isSafeInteger(ttl) && ttl >= -1 ? ttl : defaultResultTtl;
}

/** Results of up to this many bytes of JSON are stored (ojs-workflows §7.5 asks for 64 KiB at least). */
export const maxResultBytes = 1_048_576;

/**
 * The lowest effective limit on the size of a result, in bytes: an ACK with a smaller result, as most are, need not
 * read its job.
 */
export const minResultSizeLimit = 64;

/** The most bytes that the job's result may have, by the enqueue request (ojs-results §6.1); null without a limit. */
export function resultSizeLimit({ envelope }: Pick<JobRecord, 'envelope'>): number | null {
  if (!envelope.includes('"result_size_limit"')) return null;
  const limit = Number(members(envelope).get('result_size_limit') ?? 'null');
  return Number.isSafeInteger(limit) && limit >= 1 ? Math.max(limit, minResultSizeLimit) : null;
}

/**
 * When the result, or the error in its place, can no longer be read; null if it stays with the job, or the job has not
 * ended.
 */
export function resultExpiresAt(job: Pick<JobRecord, 'envelope' | 'finishedAt'>): Millis | null {
  const ttl = resultTtl(job);
  return job.finishedAt === null || ttl === -1 ? null : job.finishedAt + ttl * 1_000;
}

/** True if the enqueue request says that the result is never read: an ephemeral one (ojs-results §7.1). */
export function isEphemeral(job: Pick<JobRecord, 'envelope'>): boolean {
  return resultTtl(job) === 0;
}

/** The stages of a result. */
export type ResultStatus = 'pending' | 'ready' | 'pruned';

export function resultStatus(job: JobRecord, now: Millis): ResultStatus {
  if ((job.state & Terminal) === 0) return 'pending';
  const expiresAt = resultExpiresAt(job);
  return expiresAt === null || now < expiresAt || isEphemeral(job) ? 'ready' : 'pruned';
}

/** The result from the job's worker, if it can be read at `now`; else null. */
export function resultOf(job: JobRecord, now: Millis): Json | null {
  if (job.state !== State.completed || job.result === null || isEphemeral(job)) return null;
  return resultStatus(job, now) === 'ready' ? job.result : null;
}

/**
 * The members of an answer about a job's outcome, in braces: the state, and the result as its worker sent it or the
 * error of a discarded job (ojs-results §5). Without `result_stored_at` there was no result to store.
 */
export function renderOutcome(job: JobRecord, now: Millis): Json {
  const head = `{"job_id":"${job.id}","state":"${stateName(job.state)}"`;
  const status = resultStatus(job, now);
  if (status === 'pending') return `${head},"result":null}`;
  if (status === 'pruned') return `${head},"result":null,"pruned":true}`;
  const result = resultOf(job, now);
  const error = job.state === State.discarded ? lastErrorText(job) : null;
  let text = `${head},"result":${result}`;
  if (error !== null) text += `,"error":${error}`;
  const stored = result ?? error;
  if (stored !== null && job.finishedAt !== null) {
    const expiresAt = resultExpiresAt(job);
    text += `,"result_stored_at":"${formatTimestamp(job.finishedAt)}"`;
    text += `,"result_expires_at":${expiresAt === null ? null : `"${formatTimestamp(expiresAt)}"`}`;
    text += `,"result_size_bytes":${utf8Length(stored)}`;
  }
  return `${text}}`;
}

/** The error that ended the job, byte for byte; null if there is none since the last retry by hand. */
export function lastErrorText(job: Pick<JobRecord, 'history'>): Json | null {
  const entries = historyOf(job);
  const texts = elements(`[${job.history}]`);
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (entry === undefined || entry.kind === 'retried') return null;
    if ('error' in entry) return members(texts[index] ?? '{}').get('error') ?? null;
  }
  return null;
}
