import {
  checkZone,
  cronFields,
  definitionOf,
  formatTimestamp,
  isCronName,
  nextRuns,
  ProtocolError,
  parseCron,
  renderCron,
  scheduleOf,
} from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { CronRecord } from '../storage/storage.ts';
import { Fields } from './fields.ts';
import { readMoment } from './filters.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { Ids } from './ids.ts';
import { pagination, readPage } from './queries.ts';
import { json, ok, type Reply } from './reply.ts';
import { checkRequest } from './schemas.ts';

export const cronHandlers: Handlers<
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
  'cron.list': listCrons,
  'cron.register': registerCron,
  'cron.get': async (engine, request) => cronReply(await engine.crons.get(nameOf(request))),
  'cron.update': updateCron,
  'cron.remove': removeCron,
  'cron.trigger': triggerCron,
  'cron.pause': async (engine, request) => cronReply(await engine.crons.enable(nameOf(request), false)),
  'cron.resume': async (engine, request) => cronReply(await engine.crons.enable(nameOf(request), true)),
  'cron.runs': cronRuns,
  'cron.preview': previewRuns,
};

/** The most next runs of one preview. */
const maxRuns = 100;

/** GET /cron: the list under the names of both dialects, and as `items` for the published admin page. */
async function listCrons(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const enabled = query.enabled === undefined || query.enabled === '' ? null : query.enabled === 'true';
  if (enabled === false && query.enabled !== 'false')
    throw ProtocolError.invalid([{ path: 'query.enabled', message: 'must be true or false' }]);
  const all = (await engine.crons.list()).filter((cron) => enabled === null || cron.enabled === enabled);
  const from = page.cursor === null ? page.offset : all.findIndex(({ name }) => name > (page.cursor ?? ''));
  const part = from < 0 ? [] : all.slice(from, from + page.limit);
  const last = part.at(-1);
  const next = last && from + part.length < all.length ? last.name : null;
  const crons = `[${part.map((cron) => renderCron(cron)).join(',')}]`;
  const shownPage = JSON.stringify(pagination(page, all.length, part.length, next));
  return ok(
    `{"crons":${crons},"cron_jobs":${crons},"items":${crons},"count":${part.length},"total":${all.length},"pagination":${shownPage}}`,
  );
}

/** POST /cron: 201 for a new one, 200 for an update (ojs-cron CRON-26). */
async function registerCron(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const { created, cron, warnings } = await engine.crons.register(requireText(body), (enqueue) =>
    checkRequest(engine, enqueue),
  );
  const reply = { ...cronReply(cron), warnings };
  return created ? { ...reply, status: 201, headers: { location: `/ojs/v1/cron/${cron.name}` } } : reply;
}

/** PATCH and PUT /cron/:name: `{enabled}`, or members that replace those of the definition. */
async function updateCron(engine: Engine, request: BindingRequest): Promise<Reply> {
  const name = nameOf(request);
  const fields = new Fields(Fields.parse(request.body));
  const enabled = fields.has('enabled') ? fields.raw('enabled') : null;
  if (enabled !== null && typeof enabled !== 'boolean') fields.issue('enabled', 'must be true or false');
  fields.done();
  const changes = Object.keys(fields.body).filter((field) => cronFields.has(field));
  if (changes.length === 0) {
    if (typeof enabled !== 'boolean')
      throw ProtocolError.invalid([{ path: '$', message: 'must have enabled, or fields of the definition' }]);
    return cronReply(await engine.crons.enable(name, enabled));
  }
  return cronReply(
    await engine.crons.change(name, requireText(request.body), (enqueue) => checkRequest(engine, enqueue)),
  );
}

async function removeCron(engine: Engine, request: BindingRequest): Promise<Reply> {
  const cron = renderCron(await engine.crons.remove(nameOf(request)));
  return ok(`{"deleted":true,"name":${JSON.stringify(nameOf(request))},"cron":${cron},"cron_job":${cron}}`);
}

async function triggerCron(engine: Engine, request: BindingRequest): Promise<Reply> {
  const name = nameOf(request);
  const id = request.key === null ? null : new Ids(engine, request.key, `cron.trigger\n${name}`).next();
  const { cron, job } = await engine.crons.trigger(name, id);
  const text = renderCron(cron);
  return {
    status: 201,
    text: `{"job_id":"${job}","cron":${text},"cron_job":${text}}`,
    headers: { location: `/ojs/v1/jobs/${job}` },
  };
}

/** GET /cron/:name/runs: the next runs. */
async function cronRuns(engine: Engine, request: BindingRequest): Promise<Reply> {
  const cron = await engine.crons.get(nameOf(request));
  const definition = definitionOf(cron.spec);
  const count = readPage(request.query, 10, maxRuns).limit;
  const now = engine.clock.now();
  const from = cron.dueAt === null ? now : Math.max(now, cron.dueAt - 1);
  const runs = cron.enabled
    ? nextRuns(scheduleOf(definition), definition.timezone, from, count, cron.dueAt ?? now)
    : [];
  return json({ name: cron.name, timezone: definition.timezone, runs: runs.map(formatTimestamp) });
}

/** POST /cron/preview: the same for an expression that is not registered, after `from` or now. */
async function previewRuns(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  // Any white space stands between its fields, which other texts may not have.
  const given = fields.raw('expression') ?? fields.raw('cron') ?? fields.raw('schedule');
  const expression = typeof given === 'string' ? given : '';
  if (typeof given !== 'string') fields.issue('expression', 'is required, and must be a string');
  const timezone = fields.string('timezone') ?? 'UTC';
  const count = fields.integer('count', 1, maxRuns, true) ?? 10;
  const from = readMoment(fields, 'from') ?? engine.clock.now();
  fields.done();
  const schedule = parseCron(expression, '$.expression');
  checkZone(timezone, '$.timezone');
  return json({ expression, timezone, runs: nextRuns(schedule, timezone, from, count).map(formatTimestamp) });
}

function cronReply(cron: CronRecord): Reply {
  const text = renderCron(cron);
  // The admin page reads the cron at the top level.
  return ok(`{"cron":${text},"cron_job":${text},${renderCron(cron, ['expression', 'schedule']).slice(1)}`);
}

function nameOf({ params }: BindingRequest): string {
  const { name } = params;
  if (!isCronName(name))
    throw new ProtocolError('not_found', `There is no cron with the name ${params.name?.slice(0, 255)}.`, {
      name: params.name?.slice(0, 255),
    });
  return name;
}

function requireText(body: string | undefined): string {
  if (body === undefined || body === '')
    throw new ProtocolError('invalid_payload', 'The request body is empty; expected a JSON object.');
  return body;
}
