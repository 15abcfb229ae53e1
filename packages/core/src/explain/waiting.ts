import type { StepWait } from '../durable/mark.ts';
import { waitsOf } from '../durable/marks.ts';
import { type ErrorEntry, historyOf, lastEntry } from '../job/history.ts';
import type { JobError, JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import { policyOf, unhandledCode } from '../lifecycle/decide.ts';
import { allowedAttempts, retryPolicy } from '../lifecycle/retry.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import {
  type Explanation,
  type MaintenanceFacts,
  maintenanceReasons,
  ofJob,
  plural,
  type Reason,
  withoutStop,
} from './reasons.ts';

/**
 * Why a pending, scheduled or retryable job does not run.
 * @param mode maintenance mode, in which nothing becomes available; null while it is off.
 */
export function explainWaiting(job: JobRecord, mode: MaintenanceFacts | null, now: Millis): Explanation {
  const held = maintenanceReasons(mode);
  if (job.state === State.pending) return ofJob(job, [...held, activation(job)], null, now);
  const reasons = [job.state === State.scheduled ? scheduled(job) : afterAttempt(job)];
  if (held.length > 0) return ofJob(job, [...held, ...(job.runAt > now ? reasons : [])], null, now);
  const next = Math.max(job.runAt, now);
  if (job.runAt > now) return ofJob(job, reasons, isEndless(job) ? null : next, now);
  const message = `The time of the job came at ${formatTimestamp(job.runAt)}.`;
  return ofJob(job, [{ code: 'due', message, since: job.runAt }], next, now);
}

function activation({ createdAt }: JobRecord): Reason {
  return {
    code: 'activation',
    message: 'The job was enqueued as pending and starts after somebody has activated it.',
    since: createdAt,
    remedy: 'Activate the job.',
  };
}

function scheduled({ runAt }: JobRecord): Reason {
  const message = `The job is scheduled for ${formatTimestamp(runAt)}.`;
  return { code: 'scheduled', message, until: runAt, remedy: 'Promote the job to start it now.' };
}

function afterAttempt(job: JobRecord): Reason {
  const { runAt } = job;
  const remedy = 'Retry the job by hand to start it now.';
  const asleep = waitsOf(job);
  if (asleep !== null) return waits(asleep, job);
  const last = historyOf(job).findLast(({ kind }) => kind !== 'edited');
  if (last?.kind === 'requeued') {
    const message =
      `${workerNamed(last.worker)} returned the job with a delay until ${formatTimestamp(runAt)}: ` +
      `${shortened(last.reason)}.`;
    return { code: 'snoozed', message, since: last.at, until: runAt, remedy };
  }
  const failure = lastEntry(job);
  if (failure?.error.code === unhandledCode) return noHandler(job, failure);
  const what = failure === null ? '' : ` with ${errorLine(failure.error)}`;
  const message = `${attemptOf(job)} failed${what}; the next one may start at ${formatTimestamp(runAt)}.`;
  return { code: 'backoff', message, ...(failure !== null && { since: failure.at }), until: runAt, remedy };
}

/** The waits of a suspended handler, the first to end first. */
function waits(all: readonly StepWait[], job: JobRecord): Reason {
  const { runAt, deadlineAt } = job;
  const named = all
    .toSorted((one, other) => (one.until ?? never) - (other.until ?? never))
    .slice(0, 3)
    .map(waitLine);
  const more = all.length > named.length ? `, and for ${plural(all.length - named.length, 'other wait')}` : '';
  const limit = runAt === deadlineAt ? ` Its total timeout ends at ${formatTimestamp(runAt)}.` : '';
  const isSignal = all.some(({ kind }) => kind === 'signal');
  const isFamily = all.every(({ kind }) => kind === 'child');
  return {
    code: 'suspended',
    message: `The handler waits ${named.join(', ')}${more}.${limit}`,
    ...(!isEndless(job) && { until: runAt }),
    remedy: isFamily
      ? 'Look at the jobs of the workflow, or cancel it.'
      : `${isSignal ? 'Send the signal, or end the wait' : 'End the wait'} to start the job now.`,
  };
}

const never = Number.MAX_SAFE_INTEGER;

/** Reports whether the waits of the job end at no known time. */
function isEndless(job: JobRecord): boolean {
  return job.deadlineAt === null && (waitsOf(job)?.every(({ until }) => until === undefined) ?? false);
}

function waitLine({ name, kind, until, signal = name, token, workflow }: StepWait): string {
  if (workflow !== undefined) return `for the jobs of the step "${shortened(name)}" (workflow ${workflow})`;
  const end = until === undefined ? ' without a timeout' : ` until ${formatTimestamp(until)}`;
  if (token !== undefined) return `for the token "${shortened(token)}"${end}`;
  if (kind === 'retry') return `for the next attempt of the step "${shortened(name)}"${end}`;
  return `for the ${kind} "${shortened(kind === 'signal' ? signal : name)}"${end}`;
}

function noHandler({ type, queue, runAt }: JobRecord, entry: ErrorEntry): Reason {
  const worker = workerNamed('worker' in entry ? entry.worker : null);
  return {
    code: 'no_handler',
    message:
      `${worker} has no handler for ${type}: ${shortened(entry.error.message)}; ` +
      `the job is offered again at ${formatTimestamp(runAt)}.`,
    since: entry.at,
    until: runAt,
    remedy:
      `Start a worker that registers ${type} and reads the queue ${queue}, ` +
      'or enqueue the job under its right type.',
  };
}

/** `Attempt 2 of 5` */
export function attemptOf(job: Pick<JobRecord, 'attempt' | 'policy'>): string {
  return `Attempt ${job.attempt} of ${allowedAttempts(retryPolicy(policyOf(job).retry))}`;
}

export function errorLine({ type, message }: JobError): string {
  return message === '' ? shortened(type) : `${shortened(type)}: ${shortened(message)}`;
}

export function workerNamed(worker: string | null): string {
  return worker === null ? 'A worker without an id' : `Worker ${worker}`;
}

const maxText = 200;

/** The first line, without the full stop that the sentence around it has. */
function shortened(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > maxText ? `${line.slice(0, maxText)}…` : withoutStop(line);
}
