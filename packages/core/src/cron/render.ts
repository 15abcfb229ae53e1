import type { JobId, Json } from '../job/job.ts';
import type { StateName } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { definitionOf, templateOf } from './definition.ts';

/** A cron as a storage holds it. */
export interface CronView {
  readonly name: string;
  readonly spec: Json;
  readonly enabled: boolean;
  readonly dueAt: Millis | null;
  readonly runCount: number;
  readonly lastRunAt: Millis | null;
  readonly lastJob: JobId | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/**
 * A cron on the wire, with the names of ojs-cron and of the OpenAPI document side by side.
 * @param lastState the state of the job of its last run; null if the job is deleted, undefined if it was not looked up
 * names of the expression.
 * @param names of the expression. An answer whose member `cron` has another meaning leaves that name out.
 */
export function renderCron(
  cron: CronView,
  lastState?: StateName | null,
  names: readonly string[] = ['cron', 'expression', 'schedule'],
): Json {
  const definition = definitionOf(cron.spec);
  const { expression, timezone, overlap, description, enqueue, enabled, pausedAt } = definition;
  const template = templateOf(definition);
  const status = cron.enabled ? 'active' : 'disabled';
  let text = `{"name":${JSON.stringify(cron.name)},"id":${JSON.stringify(cron.name)}`;
  for (const name of names) text += `,"${name}":${JSON.stringify(expression)}`;
  text += `,"timezone":${JSON.stringify(timezone)},"overlap_policy":"${overlap}"`;
  text += `,"enabled":${cron.enabled},"status":"${status}"`;
  text += `,"registered_enabled":${enabled},"paused_at":${timeOrNull(pausedAt)}`;
  text += `,"never_runs":${cron.enabled && cron.dueAt === null}`;
  if (description !== null) text += `,"description":${JSON.stringify(description)}`;
  text += `,"type":${template.get('type') ?? 'null'},"args":${template.get('args') ?? '[]'}`;
  text += `,"meta":${template.get('meta') ?? '{}'},"options":${template.get('options') ?? '{}'}`;
  text += `,"job_template":${enqueue}`;
  text += `,"next_run_at":${timeOrNull(cron.dueAt)},"last_run_at":${timeOrNull(cron.lastRunAt)}`;
  text += `,"run_count":${cron.runCount}`;
  text += `,"last_job_id":${JSON.stringify(cron.lastJob)}`;
  const state = cron.lastJob === null ? null : lastState;
  if (state !== undefined) text += `,"last_job_state":${JSON.stringify(state)}`;
  return `${text},"created_at":"${formatTimestamp(cron.createdAt)}","updated_at":"${formatTimestamp(cron.updatedAt)}"}`;
}

function timeOrNull(at: Millis | null): string {
  return at === null ? 'null' : `"${formatTimestamp(at)}"`;
}
