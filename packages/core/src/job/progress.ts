import { Issues, Part, type Rule, rules } from '../envelope/validate.ts';
import { ProtocolError } from '../errors.ts';
import { isObject, members, readJson, utf8Length } from '../json/json.ts';
import { isOwner, type Owner } from '../lifecycle/transition.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { JobRecord, Json, Transition, TransitionEvent } from './job.ts';
import { State, stateName } from './states.ts';

/** Who reports, as far as the report says. A worker that ran the job earlier may no longer report for it. */
export interface Reporter extends Owner {
  readonly attempt: number | null;
}

/** Reads the claim from the lease of a report (see `Leases.claimOf`). */
export type ReadLease = (lease: string) => number;

/** A worker's report about its job (ojs-progress §5); absent parts are null. Texts are JSON as sent. */
export interface ProgressReport {
  /** From 0 to 1. */
  readonly fraction: number | null;
  readonly message: Json | null;
  readonly data: Json | null;
  readonly checkpoint: Json | null;
}

/** The reports of the current or last execution of a job. */
export interface Progress {
  readonly at: Millis;
  readonly fraction: number | null;
  readonly message: Json | null;
  readonly data: Json | null;
}

/**
 * The most bytes of `data` and characters of `message` that are stored; the specification recommends 4 KB (ojs-progress
 * §5.2).
 */
export const maxProgressData = 65_536;
const maxMessage = 4_096;

/**
 * At most one event a job in this time (ojs-progress §6.2). The job has the time of its last one, so any server can
 * decide.
 */
const eventMs = 1_000;

const number: Rule<number> = { is: (value): value is number => typeof value === 'number', expected: 'a number' };
const message: Rule<string> = {
  is: (value): value is string => typeof value === 'string' && value.length <= maxMessage,
  expected: `a string of at most ${maxMessage} characters`,
};
/** The rule for worker names everywhere: all storages refuse what one of them cannot store. */
const workerId: Rule<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value.length <= 255 && /^[^\p{Cc}]+$/u.test(value) && value.isWellFormed(),
  expected: 'a non-empty string of at most 255 characters, none of them a control character or half a surrogate pair',
};
const attempt: Rule<number> = {
  is: (value): value is number => Number.isSafeInteger(value),
  expected: 'a whole number',
};

/**
 * Reads a report: `{progress: 0…1}` or `{percentage: 0…100}`, `message`, `data`, `checkpoint` (ojs-progress §5, §6.1).
 * Numbers outside the range count as its nearest end.
 * @throws ProtocolError `invalid_payload`, `invalid_request`, or `envelope_too_large` if `data` is too large.
 */
export function readProgress(
  text: Json,
  claimOf: ReadLease,
): { readonly report: ProgressReport; readonly reporter: Reporter } {
  const body = readBody(text);
  const issues = new Issues();
  const part = new Part(body, text, '$');
  const fraction = issues.check(part.find('progress'), number);
  const percentage = issues.check(part.find('percentage'), number);
  const messageField = part.find('message');
  issues.check(messageField, message);
  const data = part.find('data');
  issues.check(data, rules.object);
  const checkpoint = part.find('checkpoint');
  if (
    fraction === null &&
    percentage === null &&
    messageField === null &&
    data === null &&
    checkpoint === null &&
    issues.all.length === 0
  ) {
    issues.add('$.progress', 'progress, percentage or data is required');
  }
  const reporter = readReporter(part, issues, claimOf);
  if (issues.all.length > 0) throw ProtocolError.invalid(issues.all);
  limitText('data', data?.text ?? '', maxProgressData);
  const numeric = fraction ?? (percentage === null ? null : percentage / 100);
  return {
    report: {
      fraction: numeric === null ? null : clamp(numeric),
      message: messageField?.text ?? null,
      data: data?.text ?? null,
      checkpoint: checkpoint?.text ?? null,
    },
    reporter,
  };
}

/** A body that must be a JSON object. */
export function readBody(text: Json): Readonly<Record<string, unknown>> {
  const body = readJson(text, 'The request body');
  if (!isObject(body)) throw new ProtocolError('invalid_payload', 'The request body must be a JSON object.');
  return body;
}

/** `worker_id`, `x_lease` and `attempt` of a report. */
export function readReporter(part: Part, issues: Issues, claimOf: ReadLease): Reporter {
  const lease = issues.check(part.find('x_lease'), rules.text);
  return {
    worker: issues.check(part.find('worker_id'), workerId),
    claim: lease === null ? null : claimOf(lease),
    attempt: issues.check(part.find('attempt'), attempt),
  };
}

/** @throws ProtocolError `envelope_too_large` */
export function limitText(name: string, text: Json, max: number): void {
  const size = text.length * 3 <= max ? 0 : utf8Length(text);
  if (size <= max) return;
  throw new ProtocolError(
    'envelope_too_large',
    `${name} has ${size} bytes; at most ${max} are allowed.`,
    { size, max_size: max },
    `Store the data elsewhere, and send a reference to it in ${name}.`,
  );
}

/** Six digits: a percentage with a fraction keeps its value. */
function clamp(fraction: number): number {
  return Math.round(Math.min(1, Math.max(0, fraction)) * 1e6) / 1e6;
}

/** True if the report may be of the current execution. */
export function isReporter(job: JobRecord, reporter: Reporter): boolean {
  return isOwner(job, reporter) && (reporter.attempt === null || reporter.attempt === job.attempt);
}

/**
 * The change of a report: a heartbeat of the job, the new progress, and an event at most once a second. Absent parts
 * keep their value, and the number never falls (ojs-progress PRG-003). Null if the report is not of the current
 * execution: the report is ignored (PRG-007).
 */
export function progressed(job: JobRecord, report: ProgressReport, reporter: Reporter, now: Millis): Transition | null {
  if (!isReporter(job, reporter)) return null;
  const last = stored(job);
  const fraction = report.fraction === null ? (last?.fraction ?? null) : Math.max(report.fraction, last?.fraction ?? 0);
  const said = report.message ?? last?.message ?? null;
  const data = report.data ?? last?.data ?? null;
  const writesEvent =
    last === null || Math.abs(now - last.eventAt) >= eventMs || (fraction === 1 && last.fraction !== 1);
  let text = `{"at":${now},"told":${writesEvent ? now : last.eventAt},"fraction":${fraction}`;
  if (said !== null) text += `,"message":${said}`;
  if (data !== null) text += `,"data":${data}`;
  const events: readonly TransitionEvent[] = writesEvent
    ? [{ kind: 'job.progress', data: eventData(fraction, said, data) }]
    : [];
  return {
    id: job.id,
    from: State.active,
    claim: job.claim,
    to: State.active,
    progress: `${text}}`,
    beat: true,
    events,
  };
}

function eventData(fraction: number | null, said: Json | null, data: Json | null): Json {
  let text = `{"progress_percent":${percentOf(fraction ?? 0)}`;
  if (said !== null) text += `,"progress_message":${said}`;
  if (data !== null) text += `,"data":${data}`;
  return `${text}}`;
}

function percentOf(fraction: number): number {
  return Math.round(fraction * 1e6) / 1e4;
}

/** The progress of a job: 1 if it completed after a report (PRG-005); null if it never reported. */
export function progressOf(job: JobRecord): Progress | null {
  const last = stored(job);
  if (last === null || job.state !== State.completed) return last;
  return { ...last, fraction: 1, at: job.finishedAt ?? last.at };
}

function stored(job: Pick<JobRecord, 'progress'>): (Progress & { readonly eventAt: Millis }) | null {
  if (job.progress === null) return null;
  const {
    at,
    told: eventAt,
    fraction,
  } = JSON.parse(job.progress) as {
    readonly at: Millis;
    readonly told: Millis;
    readonly fraction: number | null;
  };
  const texts = members(job.progress);
  return { at, eventAt, fraction, message: texts.get('message') ?? null, data: texts.get('data') ?? null };
}

/**
 * The answer to a request for a job's progress (ojs-progress §7.1): nulls for values that do not exist, never absence.
 */
export function renderProgress(job: JobRecord): Json {
  return `{"job_id":"${job.id}","state":"${stateName(job.state)}","attempt":${job.attempt},${progressMembers(job)}}`;
}

/** `progress`, `percentage`, `message`, `data` and `updated_at`, as text without braces. */
export function progressMembers(job: JobRecord): string {
  const progress = progressOf(job);
  const fraction = progress?.fraction ?? null;
  const updated = progress === null ? 'null' : `"${formatTimestamp(progress.at)}"`;
  return (
    `"progress":${fraction},"percentage":${fraction === null ? null : percentOf(fraction)},"message":${progress?.message ?? null}` +
    `,"data":${progress?.data ?? null},"updated_at":${updated}`
  );
}
