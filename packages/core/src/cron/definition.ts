import { cronJobNames } from '../envelope/attributes.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { type Field, Issues, Part, rules } from '../envelope/validate.ts';
import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { isObject, members, objectText, readJson } from '../json/json.ts';
import { isCronName } from '../names.ts';
import type { Millis } from '../time/clock.ts';
import { uuidFrom } from '../uuid.ts';
import { nextRun } from './next.ts';
import { parseCron } from './parse.ts';
import type { CronSchedule } from './schedule.ts';
import { checkZone } from './zone.ts';

export type OverlapPolicy = 'skip' | 'allow' | 'cancel_previous' | 'enqueue';

/** A cron as registered (ojs-cron §2). `enqueue` is the text of the enqueue request that every run makes. */
export interface CronDefinition extends CronSwitches {
  readonly expression: string;
  readonly timezone: string;
  readonly overlap: OverlapPolicy;
  readonly description: string | null;
  readonly enqueue: Json;
}

/**
 * Two decisions of two people. A cron runs only if both allow it. A registration sets the first one alone: applications
 * register at every start, and a start must not undo what an operator did.
 */
export interface CronSwitches {
  /** The value of the registration. */
  readonly enabled: boolean;
  /** The time at which an operator paused it; null if it is not paused. */
  readonly pausedAt: Millis | null;
}

export interface ReadCron {
  readonly name: string;
  readonly definition: CronDefinition;
}

const overlaps: Readonly<Record<string, OverlapPolicy>> = {
  skip: 'skip',
  allow: 'allow',
  cancel_previous: 'cancel_previous',
  cancel: 'cancel_previous',
  enqueue: 'enqueue',
};
const maxDescription = 4_096;
/** The members that a change may have besides `enabled`. */
export const cronFields: ReadonlySet<string> = new Set([
  ...['cron', 'expression', 'schedule', 'timezone', 'tz', 'overlap_policy', 'description', 'job_template', 'job'],
  ...cronJobNames,
]);

/**
 * Reads a registration of ojs-cron, `{name, cron, type, args, meta, options}`, or of the OpenAPI document, `{name,
 * expression | schedule, job_template}`. The job of a run is checked now, so that no run can fail because of its shape
 * (ojs-cron §3.5).
 * @throws ProtocolError `invalid_payload`, `invalid_request`; `validation_error` if only the retry policy is wrong.
 */
export function readCron(text: Json, now: Millis): ReadCron {
  const body = readJson(text, 'The request body');
  if (!isObject(body)) throw new ProtocolError('invalid_payload', 'The request body must be a JSON object.');
  const issues = new Issues();
  const part = new Part(body, text, '$');
  const nameField = required(issues, part, 'name');
  const name =
    issues.check(nameField, {
      is: isCronName,
      expected: 'at most 255 characters of a–z, 0–9, - and ., beginning with a letter or a digit',
    }) ?? '';
  const cron = part.find('cron', 'expression') ?? required(issues, part, 'expression', 'schedule');
  const expression = issues.check(cron, rules.text) ?? '';
  const timezone = issues.check(part.find('timezone', 'tz'), rules.text) ?? 'UTC';
  const overlapField = part.find('overlap_policy');
  const overlapText = issues.check(overlapField, rules.text) ?? 'skip';
  const overlap = Object.hasOwn(overlaps, overlapText) ? overlaps[overlapText] : undefined;
  if (overlap === undefined && overlapField) issues.expected(overlapField, 'skip, allow, cancel_previous or enqueue');
  const description = issues.check(part.find('description'), {
    is: (value): value is string => typeof value === 'string' && value.length <= maxDescription,
    expected: `a text of at most ${maxDescription} characters`,
  });
  const enabled = issues.check(part.find('enabled'), rules.flag) ?? true;
  if (issues.all.length > 0) throw ProtocolError.invalid(issues.all);

  parseCron(expression, cron?.path);
  checkZone(timezone, '$.timezone');
  const { enqueue, at } = enqueueOf(part, issues);
  if (issues.all.length > 0) throw ProtocolError.invalid(issues.all);
  readEnvelope(enqueue, now, () => uuidFrom(now, 0, 0), { at });
  const definition = {
    ...{ expression, timezone, overlap: overlap ?? 'skip', description: description || null, enqueue },
    ...{ enabled, pausedAt: null },
  };
  return { name, definition };
}

function required(issues: Issues, part: Part, name: string, other?: string): Field | null {
  const field = part.find(name, other);
  if (field === null) issues.add(`${part.path}.${name}`, `${name} is required`);
  return field;
}

/** The enqueue request of a run: the template, or the members at the top level. `args` is optional. */
function enqueueOf(part: Part, issues: Issues): { readonly enqueue: Json; readonly at: string } {
  const template = part.find('job_template', 'job');
  if (template !== null) {
    if (issues.check(template, rules.object) === null) return { enqueue: '{}', at: template.path };
    return { enqueue: withArgs(members(template.text)), at: template.path };
  }
  const fields = new Map<string, Json>();
  for (const field of cronJobNames) {
    const text = part.find(field)?.text;
    if (text !== undefined) fields.set(field, text);
  }
  return { enqueue: withArgs(fields), at: '$' };
}

function withArgs(fields: ReadonlyMap<string, Json>): Json {
  const all = new Map(fields);
  // A run is always a new job.
  all.delete('id');
  if ((all.get('args') ?? 'null') === 'null') all.set('args', '[]');
  return objectText(all);
}

/** The definition that a store keeps. */
export function definitionOf(spec: Json): CronDefinition {
  return JSON.parse(spec);
}

/** Reports whether a cron runs. */
export function isActive({ enabled, pausedAt }: CronSwitches): boolean {
  return enabled && pausedAt === null;
}

/** The switches after an operator's pause or resume. A resumed cron runs, even if it was registered as disabled. */
export function switched(before: CronSwitches, on: boolean, now: Millis): CronSwitches {
  return on ? { enabled: true, pausedAt: null } : { enabled: before.enabled, pausedAt: before.pausedAt ?? now };
}

/** The time of the first run after `after`; null if there is none. `@every` counts from `anchor`. */
export function dueAfter(definition: CronDefinition, after: Millis, anchor: Millis = after): Millis | null {
  return nextRun(scheduleOf(definition), definition.timezone, after, anchor);
}

export function scheduleOf({ expression }: CronDefinition): CronSchedule {
  return parseCron(expression);
}

/** The args of a run, as text, for rendering. */
export function templateOf({ enqueue }: CronDefinition): ReadonlyMap<string, Json> {
  return members(enqueue);
}

/**
 * The registration after a change: the members of the change win, whatever their dialect. `enabled` of a change is an
 * operator's pause or resume, which {@link switched} carries out.
 */
export function changedCron(cron: { readonly name: string; readonly spec: Json }, change: Json): Json {
  const { expression, timezone, overlap, description, enqueue, enabled } = definitionOf(cron.spec);
  // Null counts as absent (ojs-json-format §14.2).
  const sent = new Map([...members(change)].filter(([name, text]) => name !== 'enabled' && text !== 'null'));
  const fields = new Map<string, Json>([
    ['timezone', JSON.stringify(timezone)],
    ['overlap_policy', JSON.stringify(overlap)],
    ['description', JSON.stringify(description)],
    ['enabled', String(enabled)],
  ]);
  if (!['cron', 'expression', 'schedule'].some((name) => sent.has(name)))
    fields.set('expression', JSON.stringify(expression));
  const own = cronJobNames.some((name) => sent.has(name));
  if (own) for (const [name, value] of withoutOptions(members(enqueue), sent)) fields.set(name, value);
  else if (!sent.has('job_template') && !sent.has('job')) fields.set('job_template', enqueue);
  for (const [name, value] of sent) fields.set(name, value);
  fields.set('name', JSON.stringify(cron.name));
  return objectText(fields);
}

/** A template without the options that a change has at its top, since `options` wins over the same member there. */
function withoutOptions(
  template: ReadonlyMap<string, Json>,
  sent: ReadonlyMap<string, Json>,
): ReadonlyMap<string, Json> {
  const options = template.get('options') ?? 'null';
  if (options === 'null') return template;
  const kept = new Map([...members(options)].filter(([name]) => !sent.has(name)));
  return new Map([...template, ['options', objectText(kept)]]);
}
