import { markOf, renderWait, waitsOf } from '../durable/marks.ts';
import { renderResume } from '../job/checkpoint.ts';
import { historyOf, lastEntry } from '../job/history.ts';
import type { JobPolicy, JobRecord, Json } from '../job/job.ts';
import { progressMembers } from '../job/progress.ts';
import { resultOf } from '../job/result.ts';
import { State, stateName } from '../job/states.ts';
import { elements, members, objectText } from '../json/json.ts';
import { aloneMs } from '../lifecycle/poison.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { withoutParents } from '../workflow/parents.ts';

export interface RenderOptions {
  /** Adds this `x_lease` and the checkpoint, for the worker that claimed the job. */
  readonly lease?: string;
  /**
   * Moment of the answer, for jobs that may have ended: a result that has expired by then is left out (ojs-results
   * §6.1).
   */
  readonly now?: Millis;
  /** More members as text without braces, such as `"previous_state":"active"`. */
  readonly extra?: string;
}

/**
 * The complete wire envelope of a job (ojs-core §5, §7.7): the client's text, byte for byte, and the fields that the
 * server manages.
 */
export function renderJob(record: JobRecord, options: RenderOptions = {}): Json {
  const { state, enqueuedAt, finishedAt } = record;
  const result = resultOf(record, options.now ?? record.finishedAt ?? 0);
  let text = envelopeOf(record).slice(0, -1) + time('created_at', record.createdAt);
  if (enqueuedAt !== null) text += time('enqueued_at', enqueuedAt);
  text += executionOf(record);
  if (state === State.retryable) text += time('next_attempt_at', record.runAt) + time('next_retry_at', record.runAt);
  if (finishedAt !== null) {
    if (state === State.completed) text += time('completed_at', finishedAt);
    else if (state === State.cancelled) text += time('cancelled_at', finishedAt);
    else if (state === State.discarded)
      text += (ranOut(record) ? '' : time('completed_at', finishedAt)) + time('discarded_at', finishedAt);
  }
  if (result !== null) text += `,"result":${result}`;
  if (record.history !== '') text += renderHistory(record);
  if (record.progress !== null) text += `,"x_progress":{${progressMembers(record)}}`;
  if (state === State.retryable) text += renderWaits(record);
  if (finishedAt !== null) text += renderSuccessor(record);
  if (options.lease !== undefined) text += `${renderResume(record)}${renderAlone(record)},"x_lease":"${options.lease}"`;
  if (options.extra) text += `,${options.extra}`;
  return `${text}}`;
}

type Execution = Pick<JobRecord, 'state' | 'priority' | 'attempt' | 'startedAt' | 'worker'>;

/** Jobs of one claim have the same. */
let last: { readonly of: Execution; readonly text: string } | undefined;

function executionOf(record: Execution): string {
  if (last === undefined || !isAlike(last.of, record)) {
    const { state, priority, attempt, startedAt, worker } = record;
    let text = `,"state":"${stateName(state)}","priority":${priority},"attempt":${attempt}`;
    if (startedAt !== null) text += time('started_at', startedAt);
    if (worker !== null) text += `,"worker_id":${JSON.stringify(worker)}`;
    last = { of: { state, priority, attempt, startedAt, worker }, text };
  }
  return last.text;
}

function isAlike(one: Execution, other: Execution): boolean {
  return (
    one.startedAt === other.startedAt &&
    one.state === other.state &&
    one.attempt === other.attempt &&
    one.priority === other.priority &&
    one.worker === other.worker
  );
}

/** The envelope with moments in place of relative times; the results of parents, if they were read. */
function envelopeOf(job: JobRecord): Json {
  const { policy } = job;
  const envelope = withoutParents(job);
  if (!policy?.includes('"resolved":')) return envelope;
  const { resolved = {} }: JobPolicy = JSON.parse(policy);
  const fields = new Map(members(envelope));
  for (const [name, at] of Object.entries(resolved)) if (fields.has(name)) fields.set(name, `"${formatTimestamp(at)}"`);
  return objectText(fields);
}

/** `x_wait` of a suspended job. */
function renderWaits(record: JobRecord): Json {
  const waits = waitsOf(record)?.map(renderWait);
  return waits === undefined ? '' : `,"x_wait":${JSON.stringify(waits)}`;
}

/** `x_successor`: the job that has taken over the steps of an ended one. */
function renderSuccessor(record: JobRecord): Json {
  const next = markOf(record)?.next;
  return next === undefined ? '' : `,"x_successor":{"job_id":"${next.job}","as":"${next.as}"}`;
}

function renderAlone(record: JobRecord): Json {
  const ms = aloneMs(record);
  return ms === 0 ? '' : `,"x_alone_ms":${ms}`;
}

function time(name: string, ms: number): string {
  return `,"${name}":"${formatTimestamp(ms)}"`;
}

/** A job that expired unfinished has no `completed_at`. */
function ranOut(record: JobRecord): boolean {
  const entry = lastEntry(record);
  return entry?.kind === 'expired' && entry.error.type !== 'total_timeout';
}

/**
 * `activated_at`, `retry_delay_ms`, `error` and `errors`. The texts of errors are copied from the history, never
 * encoded again.
 */
function renderHistory(record: JobRecord): string {
  const entries = historyOf(record);
  const texts = elements(`[${record.history}]`);
  const errors: Json[] = [];
  let current: Json | null = null;
  let delay: number | undefined;
  let activatedAt: number | undefined;
  entries.forEach((entry, index) => {
    if ('error' in entry) {
      current = members(texts[index] ?? '{}').get('error') ?? 'null';
      errors.push(current);
    }
    if (entry.kind === 'failed') delay = entry.retryDelayMs ?? delay;
    if (entry.kind === 'activated') activatedAt = entry.at;
    if (entry.kind === 'retried') {
      current = null;
      delay = undefined;
    }
  });
  let text = activatedAt === undefined ? '' : time('activated_at', activatedAt);
  if (delay !== undefined) text += `,"retry_delay_ms":${delay}`;
  if (current !== null && record.state !== State.completed) text += `,"error":${current}`;
  return errors.length === 0 ? text : `${text},"errors":[${errors.join(',')}]`;
}
