import { clockChanges } from '../cron/clock-changes.ts';
import type { Crons } from '../cron/crons.ts';
import { cronFields, definitionOf, readCron, scheduleOf } from '../cron/definition.ts';
import { nextRuns } from '../cron/next.ts';
import { offsetsNear } from '../cron/offsets.ts';
import { parseCron } from '../cron/parse.ts';
import type { CronRecord } from '../cron/record.ts';
import { renderCron } from '../cron/render.ts';
import type { CronSchedule } from '../cron/schedule.ts';
import { checkZone } from '../cron/zone.ts';
import { cronDestination } from '../envelope/destination.ts';
import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import type { StateName } from '../job/states.ts';
import { isCronName } from '../names.ts';
import { notFound } from '../not-found.ts';
import { Fields, requireBody, wrongValue } from '../requests/fields.ts';
import { pagination, readPage } from '../requests/pages.ts';
import { json, ok, type PlainReply } from '../requests/reply.ts';
import { optional } from '../schemas/members.ts';
import { readMembers } from '../schemas/read.ts';
import { readBody, readQuery } from '../schemas/requests.ts';
import { Type } from '../schemas/type.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import type { Clock, Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type Handler, type Handlers, inSteps, type Request } from './handler.ts';
import { checkRequest, type SchemaChecks } from './schema-checks.ts';

/** Next runs that one preview has. */
const maxRuns = 1_000;

interface Host {
  readonly crons: Crons;
  readonly clock: Clock;
  readonly schemas: SchemaChecks;
  /** Throws `unsupported` where these would be too many queues. */
  readonly queueBound: { admit(queues: readonly string[]): Answered<void> };
}

export const cronHandlers: Handlers<
  Host,
  | 'cron.list'
  | 'cron.register'
  | 'cron.get'
  | 'cron.update'
  | 'cron.remove'
  | 'cron.trigger'
  | 'cron.pause'
  | 'cron.resume'
  | 'cron.runs'
  | 'cron.preview'
> = {
  /** GET /cron: the list under the names of both dialects, and as `items` for the published admin page. */
  'cron.list': inSteps(function* ({ crons }, { query }) {
    const page = readPage(query);
    const { enabled } = readQuery('cron.list', query, 0);
    const all = (yield* ask(crons.list())).filter((cron) => enabled === undefined || cron.enabled === enabled);
    const from = page.cursor === null ? page.offset : all.findIndex(({ name }) => name > (page.cursor ?? ''));
    const part = from < 0 ? [] : all.slice(from, from + page.limit);
    const last = part.at(-1);
    const next = last && from + part.length < all.length ? last.name : null;
    const states = yield* ask(crons.lastStates(part));
    const texts = `[${part.map((cron, index) => renderCron(cron, states[index])).join(',')}]`;
    const shownPage = JSON.stringify(pagination(page, all.length, part.length, next));
    return ok(
      `{"crons":${texts},"cron_jobs":${texts},"items":${texts}` +
        `,"count":${part.length},"total":${all.length},"pagination":${shownPage}}`,
    );
  }),
  /** 201 for a new one, 200 for an update (ojs-cron CRON-26). */
  'cron.register': inSteps(function* (host, { body, access }) {
    const text = requireBody(body);
    // A cron with this name may belong to another queue.
    if (access) yield* ask(access.cron(readCron(text, host.clock.now()).name));
    const { created, cron, warnings } = yield* ask(host.crons.register(text, checkOf(host, access)));
    const reply = { ...cronReply(cron), warnings };
    return created ? { ...reply, status: 201, headers: { location: `/ojs/v1/cron/${cron.name}` } } : reply;
  }),
  'cron.get': inSteps(function* ({ crons }, request) {
    const cron = yield* ask(crons.get(nameOf(request)));
    const [state] = yield* ask(crons.lastStates([cron]));
    return cronReply(cron, state);
  }),
  /** PATCH and PUT /cron/:name: `{enabled}`, or members that replace those of the definition. */
  'cron.update': inSteps(function* (host, request) {
    const { body, access } = request;
    const name = nameOf(request);
    const fields = new Fields(Fields.parse(body));
    const { enabled = null } = readMembers(fields, Type.Object(optional({ enabled: Type.Boolean() })), 0);
    fields.done();
    if (Object.keys(fields.body).some((field) => cronFields.has(field)))
      return cronReply(yield* ask(host.crons.change(name, body ?? '', enabled, checkOf(host, access))));
    if (enabled !== null) return cronReply(yield* ask(host.crons.enable(name, enabled)));
    throw ProtocolError.invalid([{ path: '$', message: 'must have enabled, or fields of the definition' }]);
  }),
  'cron.remove': inSteps(function* ({ crons }, request) {
    const cron = yield* ask(crons.remove(nameOf(request)));
    const text = renderCron(cron);
    return ok(`{"deleted":true,"name":${JSON.stringify(cron.name)},"cron":${text},"cron_job":${text}}`);
  }),
  'cron.trigger': inSteps(function* ({ crons }, request) {
    const name = nameOf(request);
    const id = request.ids?.(`cron.trigger\n${name}`)() ?? null;
    const { cron, job } = yield* ask(crons.trigger(name, id));
    const text = renderCron(cron);
    return {
      status: 201,
      text: `{"job_id":"${job}","cron":${text},"cron_job":${text}}`,
      headers: { location: `/ojs/v1/jobs/${job}` },
    };
  }),
  'cron.pause': switching(false),
  'cron.resume': switching(true),
  /** GET /cron/:name/runs?limit&from: the next runs, after `from` or now; of a paused cron none. */
  'cron.runs': inSteps(function* ({ crons, clock }, request) {
    const { name, spec, enabled, dueAt } = yield* ask(crons.get(nameOf(request)));
    const { query } = request;
    const now = clock.now();
    const definition = definitionOf(spec);
    const count = readPage(query, 10, maxRuns).limit;
    // A run that is due already still happens.
    const first = dueAt === null ? now : Math.max(now, dueAt - 1);
    const { from = first } = readQuery('cron.runs', query, now);
    const { expression, timezone } = definition;
    const schedule = scheduleOf(definition);
    // The run that is due is one of an interval's.
    const anchor = dueAt === null ? now : schedule.kind === 'interval' ? dueAt - schedule.intervalMs : dueAt;
    const runs = enabled ? nextRuns(schedule, timezone, from, count, anchor) : [];
    return json({ name, expression, timezone, enabled, ...renderRuns(schedule, timezone, from, runs) });
  }),
  /** POST /cron/preview: the same for an expression that is not registered, after `from` or now. */
  'cron.preview': ({ clock }, request) => {
    const now = clock.now();
    const sent = readBody('cron.preview', request, now);
    const { expression = sent.cron ?? sent.schedule, timezone = 'UTC', count = 10, from = now } = sent;
    if (expression === undefined) throw wrongValue('$.expression', 'is required, and must be a string');
    const schedule = parseCron(expression, '$.expression');
    checkZone(timezone, '$.timezone');
    const runs = nextRuns(schedule, timezone, from, Math.min(count, maxRuns));
    return json({ expression, timezone, ...renderRuns(schedule, timezone, from, runs) });
  },
};

function switching(enabled: boolean): Handler<Host> {
  return inSteps(function* ({ crons }, request) {
    return cronReply(yield* ask(crons.enable(nameOf(request), enabled)));
  });
}

/** Checks the template of a cron. */
function checkOf({ clock, queueBound, schemas }: Host, access: Request['access']): (enqueue: Json) => Answered<void> {
  function* check(enqueue: Json): Steps<void> {
    access?.template(enqueue);
    const destination = cronDestination(JSON.stringify({ enqueue }), clock.now());
    if (destination !== null) yield* ask(queueBound.admit([destination.queue]));
    yield* checkRequest(schemas, enqueue);
  }
  return (enqueue) => run(check(enqueue));
}

/** @throws ProtocolError `not_found` for a name that no cron can have. */
function nameOf({ params: { name = '' } }: Request): string {
  if (isCronName(name)) return name;
  throw notFound('cron job', name);
}

function cronReply(cron: CronRecord, lastState?: StateName | null): PlainReply {
  const text = renderCron(cron, lastState);
  // The admin page reads the cron at the top level.
  return ok(`{"cron":${text},"cron_job":${text},${renderCron(cron, lastState, ['expression', 'schedule']).slice(1)}`);
}

/** Runs by UTC and in their zone, and what changes of the clocks do to them until the last one. */
function renderRuns(schedule: CronSchedule, zone: string, from: Millis, runs: readonly Millis[]): object {
  const changes = clockChanges(schedule, zone, from, runs.at(-1) ?? from);
  return {
    runs: runs.map(formatTimestamp),
    local_runs: runs.map((at) => localTime(at, offsetAt(zone, at))),
    clock_changes: changes.map(({ at, before, after, skipped, skippedCount, repeated, repeatedCount }) => ({
      at: formatTimestamp(at),
      local_before: localTime(at, before),
      local_after: localTime(at, after),
      direction: after > before ? 'forward' : 'back',
      skipped,
      skipped_count: skippedCount,
      repeated,
      repeated_count: repeatedCount,
    })),
  };
}

function offsetAt(zone: string, moment: Millis): Millis {
  const { before, at, after } = offsetsNear(zone, moment);
  return moment < at ? before : after;
}

/** RFC 3339 with an offset; of one with seconds, as before 1972, the whole minutes. */
function localTime(at: Millis, offset: Millis): string {
  const minutes = Math.trunc(Math.abs(offset) / 60_000);
  const two = (number: number) => String(number).padStart(2, '0');
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(at + offset).toISOString().slice(0, -5)}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
