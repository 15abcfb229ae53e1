import { isObject, members, ProtocolError } from '@ojs-ts/core';
import { type Json, type ReadEnvelope, rules } from '@ojs-ts/core/job';
import { Fields, pagination, readPage, readVersion } from '@ojs-ts/core/requests';
import type { Parts } from '../engine/engine.ts';
import { checkEnvelopes as checkAll, versionOf } from '../engine/schemas/check.ts';
import { type SchemaEntry, type SchemaMode, schemaModes, wireVersion } from '../engine/schemas/schema-index.ts';
import { type Checked, maxSchemaLength } from '../engine/schemas/schemas.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { json, ok, type Reply } from './reply.ts';

type Engine = Parts<'schemas'>;

/**
 * `/schemas` has the shapes of ojs-http-binding §15 and ojs-schema-registry §4, `/admin/schemas` flat ones, of the same
 * registry.
 */
export const schemaHandlers: Handlers<
  | 'schema.list'
  | 'schema.register'
  | 'schema.get'
  | 'schema.versions'
  | 'schema.getVersion'
  | 'schema.delete'
  | 'schema.deleteVersion'
  | 'schema.put'
  | 'schema.getFlat'
  | 'schema.getVersionFlat'
> = {
  'schema.list': listSchemas,
  'schema.register': registerSchema,
  'schema.get': async (engine, { params }) => schemaReply(engine, await named(engine, params.key ?? '')),
  'schema.getVersion': async (engine, { params }) => schemaReply(engine, await versioned(engine, params)),
  'schema.versions': listVersions,
  'schema.delete': async (engine, { params }) => remove(engine, await byUri(engine, params.key ?? '')),
  'schema.deleteVersion': async (engine, { params }) => remove(engine, await versioned(engine, params)),
  'schema.put': putSchema,
  'schema.getFlat': async (engine, { params }) => schemaReply(engine, await named(engine, params.key ?? ''), true),
  'schema.getVersionFlat': async (engine, { params }) => schemaReply(engine, await versioned(engine, params), true),
};

const maxUri = 2_048;

/**
 * Checks the args of one job before it is enqueued, from any source.
 * @returns warnings of a schema in the mode `warn`.
 * @throws ProtocolError `schema_validation`.
 */
export function checkSchema(engine: Engine, job: Checked): Promise<readonly string[]> {
  return engine.schemas.check(job);
}

/** Checks envelopes; an error about one of several has its index in `details.index`. */
export function checkEnvelopes(engine: Engine, read: readonly ReadEnvelope[]): Promise<readonly string[]> {
  return checkAll(engine.schemas, read);
}

/** Checks the args of a job that something else will enqueue later, by the text of its request. */
export async function checkRequest(engine: Engine, text: Json): Promise<void> {
  if (!(await engine.schemas.any())) return;
  const { type, schema } = Fields.parse(text);
  if (typeof type !== 'string') return;
  const args = members(text).get('args') ?? '[]';
  await checkSchema(engine, {
    type,
    args,
    schema: typeof schema === 'string' ? schema : null,
    version: versionOf(text),
  });
}

/** GET /schemas, /admin/schemas. */
async function listSchemas(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const all = await engine.schemas.list();
  const from = page.cursor === null ? page.offset : readCursor(page.cursor);
  const items = all.slice(from, from + page.limit).map(render);
  const next = from + items.length < all.length ? String(from + items.length) : null;
  return json({
    schemas: items,
    items,
    pagination: pagination({ ...page, offset: from }, all.length, items.length, next),
  });
}

/** POST /schemas: `{uri, type, version, schema}` or `{job_type, version, schema}`, each with an optional `mode`. */
async function registerSchema(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const type = fields.string('job_type') ?? fields.string('type');
  if (type === null) fields.issue('type', 'is required');
  const entry = await register(engine, body ?? '', fields, type ?? '', fields.raw('version'));
  return schemaReply(engine, entry, false, 201);
}

/** PUT /admin/schemas/:type/:version `{schema}`. */
async function putSchema(engine: Engine, { params, body }: BindingRequest): Promise<Reply> {
  const version = params.version ?? '';
  const fields = new Fields(Fields.parse(body));
  const entry = await register(
    engine,
    body ?? '',
    fields,
    params.key ?? '',
    /^\d{1,9}$/.test(version) ? Number(version) : version,
  );
  return schemaReply(engine, entry, true, 201);
}

async function register(
  engine: Engine,
  body: Json,
  fields: Fields,
  type: string,
  version: unknown,
): Promise<SchemaEntry> {
  if (type !== '' && !rules.type.is(type)) fields.issue('type', `must be ${rules.type.expected}`);
  const text = members(body).get('schema') ?? '';
  if (!isObject(fields.raw('schema'))) fields.issue('schema', 'must be a JSON Schema, an object');
  else if (text.length > maxSchemaLength) fields.issue('schema', `must have at most ${maxSchemaLength} characters`);
  if (version === undefined) fields.issue('version', 'is required');
  else if ((typeof version !== 'number' && typeof version !== 'string') || readVersion(String(version)) === null)
    fields.issue('version', 'must be a whole number, or a semantic version such as 1.0.0');
  const sent = fields.string('uri', maxUri);
  if (sent !== null && !/^[a-z][a-z0-9+.-]*:\S+$/i.test(sent))
    fields.issue('uri', 'must be a URI, such as urn:ojs:schema:email.send:v1');
  const mode = readMode(fields);
  fields.done();
  const name = String(version);
  const uri = sent ?? `urn:ojs:schema:${type}:v${name}`;
  return engine.schemas.register({ type, version: name, numeric: typeof version === 'number', uri, mode, text });
}

/** `mode`, or `validation: {mode}`. The default is `strict`. */
function readMode(fields: Fields): SchemaMode {
  const validation = fields.object('validation');
  const mode = fields.string('mode') ?? validation?.string('mode') ?? 'strict';
  const found = schemaModes.find((one) => one === mode);
  if (found === undefined) fields.issue('mode', `must be one of ${schemaModes.join(', ')}`);
  return found ?? 'strict';
}

/** GET /schemas/:type/versions, newest first. */
async function listVersions(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const type = params.key ?? '';
  const entries = (await engine.schemas.list()).filter((entry) => entry.type === type);
  if (entries.length === 0) throw missing(type);
  const versions = entries.map((entry, index) => ({ ...render(entry), is_latest: index === 0 }));
  return json({ type, job_type: type, versions, items: versions, count: versions.length });
}

/** A type has no colon and a URI always has one. */
async function named(engine: Engine, key: string): Promise<SchemaEntry> {
  if (key.includes(':')) return byUri(engine, key);
  const entry = await engine.schemas.find(key, null);
  if (entry === null) throw missing(key);
  return entry;
}

async function byUri(engine: Engine, uri: string): Promise<SchemaEntry> {
  const entry = await engine.schemas.byUri(uri);
  if (entry === null) throw missing(uri);
  return entry;
}

async function versioned(engine: Engine, params: BindingRequest['params']): Promise<SchemaEntry> {
  const { key = '', version = '' } = params;
  const entry = await engine.schemas.find(key, version);
  if (entry === null) throw missing(`${key}@${version}`);
  return entry;
}

async function remove(engine: Engine, entry: SchemaEntry): Promise<Reply> {
  if (!(await engine.schemas.remove(entry))) throw missing(entry.uri);
  return json({ deleted: true, ...render(entry) });
}

/** The registration with the text of its schema: nested in `schema`, or flat with `schema` beside the rest. */
async function schemaReply(engine: Engine, entry: SchemaEntry, flat = false, status = 200): Promise<Reply> {
  const text = await engine.schemas.text(entry);
  if (text === null) throw missing(entry.uri);
  const body = `${JSON.stringify(render(entry)).slice(0, -1)},"schema":${text}}`;
  return { ...ok(flat ? body : `{"schema":${body}}`), status };
}

function render(entry: SchemaEntry): object {
  return {
    uri: entry.uri,
    type: entry.type,
    job_type: entry.type,
    version: wireVersion(entry),
    mode: entry.mode,
    created_at: new Date(entry.createdAt).toISOString(),
  };
}

function readCursor(cursor: string): number {
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw ProtocolError.invalid([
    { path: 'cursor', message: 'is not a cursor of this list; expected the cursor of the previous page' },
  ]);
}

function missing(name: string): ProtocolError {
  return new ProtocolError('not_found', 'No schema is registered under this name.', { schema: name.slice(0, maxUri) });
}
