import { readEnvelope } from '../envelope/envelope.ts';
import { otherEventEntry } from '../events/events.ts';
import type { JobId, JobRecord, Json, NewJob, Transition } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import { cancelled } from '../lifecycle/decide.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type CronDefinition, dueAfter, scheduleOf } from './definition.ts';
import { skippedRuns } from './next.ts';

/** The part of a cron that decisions read. */
export interface CronState {
  readonly name: string;
  readonly dueAt: Millis | null;
  readonly runCount: number;
}

export interface FiringDecision {
  readonly dueAt: Millis | null;
  /** Null skips the run. */
  readonly job: NewJob | null;
  /** The cancellations of earlier runs. */
  readonly cancels: readonly Transition[];
  readonly events: readonly Json[];
}

/**
 * Decides the effect of a due cron (ojs-cron §6): one run, however many were missed, then the next time in the future.
 * `unfinished` are its runs that have not ended, by the schedule or by hand, oldest first (ojs-cron §6). The event of
 * this run also lists local times until the next run that the clock skips.
 */
export function decideFiring(
  cron: CronState,
  definition: CronDefinition,
  unfinished: readonly JobRecord[],
  now: Millis,
  newId: () => JobId,
): FiringDecision {
  const at = cron.dueAt ?? now;
  const dueAt = dueAfter(definition, Math.max(at, now), at);
  const skips = dueAt === null ? [] : skippedRuns(scheduleOf(definition), definition.timezone, at, dueAt);
  const job = runOf(cron.name, definition, now, newId);
  const skipped = skips.map(({ local, at: missed }) =>
    skippedEvent(cron.name, definition, job, 'dst_skip', {
      scheduled_time: formatTimestamp(missed),
      local_time: local,
    }),
  );
  const running = unfinished[0];
  if (running !== undefined && definition.overlap === 'skip') {
    const scheduled = { existing_job_id: running.id, active_job_id: running.id, scheduled_time: formatTimestamp(at) };
    return {
      dueAt,
      job: null,
      cancels: [],
      events: [skippedEvent(cron.name, definition, job, 'overlap_skip', scheduled), ...skipped],
    };
  }
  const cancels = definition.overlap === 'cancel_previous' ? unfinished.map((run) => cancelled(run, now)) : [];
  return { dueAt, job, cancels, events: [triggeredEvent(cron, definition, job, at, now), ...skipped] };
}

/** A run by hand: independent of the schedule and of running jobs. */
export function decideTrigger(
  cron: CronState,
  definition: CronDefinition,
  now: Millis,
  newId: () => JobId,
): FiringDecision {
  const job = runOf(cron.name, definition, now, newId);
  return { dueAt: cron.dueAt, job, cancels: [], events: [triggeredEvent(cron, definition, job, now, now)] };
}

/** The job of one run, with the name and time of its cron in `meta` (ojs-cron §6.3). */
function runOf(name: string, definition: CronDefinition, now: Millis, newId: () => JobId): NewJob {
  const request = new Map(members(definition.enqueue));
  const own = { cron_name: name, cron_triggered_at: formatTimestamp(now) };
  request.set('meta', withMembers(request.get('meta'), own));
  const options = request.get('options');
  // `options` wins over the same member at the top, and a client must not forge the cron of a run.
  if (options !== undefined && options !== 'null') {
    const inner = new Map(members(options));
    for (const field of ['meta', 'metadata'])
      if (inner.has(field)) inner.set(field, withMembers(inner.get(field), own));
    request.set('options', objectText(inner));
  }
  const job = { ...readEnvelope(objectText(request), now, newId).job, cron: name };
  if (definition.overlap !== 'enqueue') return job;
  const limits = [...job.limits, { key: `cron:${name}`, concurrency: 1, rates: [] }].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  );
  return { ...job, limits };
}

function withMembers(object: Json | undefined, more: Readonly<Record<string, string>>): Json {
  const all = new Map(object === undefined || object === 'null' ? [] : members(object));
  for (const [name, value] of Object.entries(more)) all.set(name, JSON.stringify(value));
  return objectText(all);
}

function triggeredEvent(
  { name, runCount }: CronState,
  { expression, timezone }: CronDefinition,
  job: NewJob,
  at: Millis,
  now: Millis,
): Json {
  const data = {
    cron_name: name,
    cron_expr: expression,
    cron_expression: expression,
    timezone,
    job_type: job.type,
    job_id: job.id,
    run_count: runCount + 1,
    scheduled_at: formatTimestamp(at),
    scheduled_time: formatTimestamp(at),
    actual_time: formatTimestamp(now),
  };
  return otherEventEntry('cron.triggered', name, JSON.stringify(data), job.queue);
}

/** @param job the run that was skipped, or that would have been created. */
export function skippedEvent(
  name: string,
  { expression }: CronDefinition,
  job: Pick<NewJob, 'type' | 'queue'>,
  reason: 'overlap_skip' | 'dst_skip' | 'duplicate',
  more: object,
): Json {
  const data = {
    cron_name: name,
    cron_expr: expression,
    cron_expression: expression,
    job_type: job.type,
    reason,
    ...more,
  };
  return otherEventEntry('cron.skipped', name, JSON.stringify(data), job.queue);
}
