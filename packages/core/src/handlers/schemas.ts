import { rules } from '../envelope/validate.ts';
import type { Json } from '../job/job.ts';
import { members } from '../json/json.ts';
import { notFound } from '../not-found.ts';
import { wrongValue } from '../requests/fields.ts';
import { notACursor, pagination, readPage } from '../requests/pages.ts';
import { json, ok, type PlainReply } from '../requests/reply.ts';
import { type BodyOf, readBody } from '../schemas/requests.ts';
import { readVersion } from '../semver.ts';
import { type Answered, ask, type Steps } from '../steps.ts';
import { type Handler, type Handlers, inSteps, type Request } from './handler.ts';
import { type SchemaEntry, wireVersion } from './schema-index.ts';

/** A registration with the text of its schema. */
export type NewSchema = Omit<SchemaEntry, 'id' | 'createdAt'> & { readonly text: Json };

/** The registry of schemas (ojs-schema-registry). */
export interface SchemaRegistry {
  /** Every registration, newest version of each type first. */
  list(): Answered<readonly SchemaEntry[]>;
  /** The latest version if `version` is null. */
  find(type: string, version: string | null): Answered<SchemaEntry | null>;
  byUri(uri: string): Answered<SchemaEntry | null>;
  /** The text as registered; null if it was removed since. */
  text(entry: SchemaEntry): Answered<Json | null>;
  /** @throws ProtocolError `invalid_request` if the text is no schema; `conflict` if its names are taken. */
  register(schema: NewSchema): Answered<SchemaEntry>;
  /** False if it was removed already. */
  remove(entry: SchemaEntry): Answered<boolean>;
}

interface Host {
  readonly schemas: SchemaRegistry;
}

const maxSchemaLength = 65_536;

/**
 * `/schemas` has the shapes of ojs-http-binding §15 and ojs-schema-registry §4, `/admin/schemas` flat ones, of the same
 * registry.
 */
export const schemaHandlers: Handlers<
  Host,
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
  /** GET /schemas, /admin/schemas. */
  'schema.list': inSteps(function* ({ schemas }, { query }) {
    const page = readPage(query);
    const all = yield* ask(schemas.list());
    const from = page.cursor === null ? page.offset : readCursor(page.cursor);
    const items = all.slice(from, from + page.limit).map(render);
    const next = from + items.length < all.length ? String(from + items.length) : null;
    const shownPage = pagination({ ...page, offset: from }, all.length, items.length, next);
    return json({ schemas: items, items, pagination: shownPage });
  }),
  /** POST /schemas: `{uri, type, version, schema}` or `{job_type, version, schema}`, each with an optional `mode`. */
  'schema.register': inSteps(function* (host, request) {
    const { type: other, job_type: type = other, version, ...sent } = readBody('schema.register', request, 0);
    if (type === undefined || version === undefined)
      throw wrongValue(`$.${type === undefined ? 'type' : 'version'}`, 'is required');
    const entry = yield* ask(host.schemas.register(readSchema(request, sent, type, version)));
    return yield* schemaReply(host, entry, false, 201);
  }),
  'schema.get': showing(named),
  'schema.getVersion': showing(versioned),
  /** GET /schemas/:type/versions, newest first. */
  'schema.versions': inSteps(function* (host, { params: { key: type = '' } }) {
    const entries = (yield* ask(host.schemas.list())).filter((entry) => entry.type === type);
    if (entries.length === 0) yield* missing(host, type, (entry) => entry.type);
    const versions = entries.map((entry, index) => ({ ...render(entry), is_latest: index === 0 }));
    return json({ type, job_type: type, versions, items: versions, count: versions.length });
  }),
  'schema.delete': removing(byUri),
  'schema.deleteVersion': removing(versioned),
  /** PUT /admin/schemas/:type/:version `{schema}`. */
  'schema.put': inSteps(function* (host, request) {
    const { key = '', version = '' } = request.params;
    const given = /^\d{1,9}$/.test(version) ? Number(version) : version;
    const entry = yield* ask(
      host.schemas.register(readSchema(request, readBody('schema.put', request, 0), key, given)),
    );
    return yield* schemaReply(host, entry, true, 201);
  }),
  'schema.getFlat': showing(named, true),
  'schema.getVersionFlat': showing(versioned, true),
};

function readSchema(
  { body = '' }: Request,
  { uri, validation, mode = validation?.mode ?? 'strict' }: BodyOf<'schema.put'>,
  type: string,
  sent: string | number,
): NewSchema {
  const version = String(sent);
  const text = members(body).get('schema') ?? '';
  if (!rules.type.is(type)) throw wrongValue('$.type', `must be ${rules.type.expected}`);
  if (text.length > maxSchemaLength) throw wrongValue('$.schema', `must have at most ${maxSchemaLength} characters`);
  if (readVersion(version) === null)
    throw wrongValue('$.version', 'must be a whole number, or a semantic version such as 1.0.0');
  return { type, version, numeric: sent !== version, uri: uri ?? `urn:ojs:schema:${type}:v${version}`, mode, text };
}

type Find = (host: Host, params: Request['params']) => Steps<SchemaEntry>;

function showing(find: Find, flat = false): Handler<Host> {
  return inSteps(function* (host, { params }) {
    return yield* schemaReply(host, yield* find(host, params), flat);
  });
}

function removing(find: Find): Handler<Host> {
  return inSteps(function* (host, { params }) {
    const entry = yield* find(host, params);
    if (!(yield* ask(host.schemas.remove(entry)))) throw notFound('schema', entry.uri);
    return json({ deleted: true, ...render(entry) });
  });
}

/** A type has no colon and a URI always has one. */
function* named(host: Host, params: Request['params']): Steps<SchemaEntry> {
  const { key = '' } = params;
  if (key.includes(':')) return yield* byUri(host, params);
  return (yield* ask(host.schemas.find(key, null))) ?? (yield* missing(host, key, ({ type }) => type));
}

function* byUri(host: Host, { key = '' }: Request['params']): Steps<SchemaEntry> {
  return (yield* ask(host.schemas.byUri(key))) ?? (yield* missing(host, key, ({ uri }) => uri));
}

function* versioned(host: Host, { key = '', version = '' }: Request['params']): Steps<SchemaEntry> {
  const found = yield* ask(host.schemas.find(key, version));
  return found ?? (yield* missing(host, `${key}@${version}`, (one) => `${one.type}@${one.version}`));
}

/** The registration with the text of its schema: nested in `schema`, or flat with `schema` beside the rest. */
function* schemaReply({ schemas }: Host, entry: SchemaEntry, flat: boolean, status = 200): Steps<PlainReply> {
  const text = yield* ask(schemas.text(entry));
  if (text === null) throw notFound('schema', entry.uri);
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
  throw wrongValue('cursor', notACursor);
}

function* missing({ schemas }: Host, name: string, nameOf: (entry: SchemaEntry) => string): Steps<never> {
  throw notFound('schema', name, (yield* ask(schemas.list())).map(nameOf));
}
