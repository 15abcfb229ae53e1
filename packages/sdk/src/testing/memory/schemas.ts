import { expectedJobType, isJobType, isObject, members, ProtocolError, type ValidationIssue } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { compareVersions, json, type PlainReply, readVersion, requireBody } from '@ojs-ts/core/requests';
import { type Answers, fieldsOf, pageOf, param, type Request } from './reply.ts';
import type { Table } from './table.ts';

interface Entry {
  readonly uri: string;
  readonly type: string;
  readonly version: string | number;
  readonly createdAt: number;
  readonly text: Json;
}

/**
 * Schemas are kept and shown. They check no args, as the manifest says: what checks JSON Schema is the server's alone,
 * and too large to come along.
 */
export function schemaAnswers(table: Table): Answers {
  const schemas = new Map<string, Entry>();
  const find = (call: Request): Entry => {
    const key = param(call, 'key');
    const entry =
      schemas.get(key) ?? (key.includes(':') ? undefined : sorted(schemas).find(({ type }) => type === key));
    if (entry === undefined)
      throw new ProtocolError('not_found', 'No schema is registered under this name.', { schema: key.slice(0, 2_048) });
    return entry;
  };
  return {
    'schema.list': (call) => {
      const { items, pagination } = pageOf(call, sorted(schemas).map(render));
      return json({ schemas: items, items, pagination });
    },
    'schema.register': (call) => {
      const entry = read(call, table.now);
      const taken = [...schemas.values()].find(
        ({ uri, type, version }) => uri === entry.uri || (type === entry.type && version === entry.version),
      );
      if (taken !== undefined) {
        const what =
          taken.uri === entry.uri
            ? `The schema ${entry.uri}`
            : `Version ${entry.version} of the schema of ${entry.type}`;
        throw new ProtocolError('conflict', `${what} is registered already; a changed schema needs a new version.`, {
          uri: taken.uri,
        });
      }
      schemas.set(entry.uri, entry);
      return shown(entry, 201);
    },
    'schema.get': (call) => shown(find(call)),
    'schema.delete': (call) => {
      const entry = find(call);
      schemas.delete(entry.uri);
      return json({ deleted: true, ...render(entry) });
    },
  };
}

function read(call: Request, createdAt: number): Entry {
  const fields = fieldsOf(call);
  const issues: ValidationIssue[] = [];
  const type = fields.job_type ?? fields.type;
  const { version, schema } = fields;
  if (!isJobType(type)) issues.push({ path: '$.type', message: `must be ${expectedJobType}` });
  if (!isObject(schema)) issues.push({ path: '$.schema', message: 'must be a JSON Schema, an object' });
  const isVersion =
    (typeof version === 'string' || typeof version === 'number') && readVersion(String(version)) !== null;
  if (!isVersion)
    issues.push({ path: '$.version', message: 'must be a whole number, or a semantic version such as 1.0.0' });
  const uri = fields.uri ?? `urn:ojs:schema:${String(type)}:v${String(version)}`;
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:\S+$/i.test(uri)) {
    issues.push({ path: '$.uri', message: 'must be a URI, such as urn:ojs:schema:email.send:v1' });
  }
  if (issues.length > 0 || typeof uri !== 'string' || typeof type !== 'string' || !isVersion)
    throw ProtocolError.invalid(issues);
  return { uri, type, version, createdAt, text: members(requireBody(call.body)).get('schema') ?? '{}' };
}

/** By type, newest version first. */
function sorted(schemas: ReadonlyMap<string, Entry>): readonly Entry[] {
  return [...schemas.values()].sort((a, b) => (a.type === b.type ? newest(a, b) : a.type < b.type ? -1 : 1));
}

function newest(a: Entry, b: Entry): number {
  const [of, other] = [readVersion(String(a.version)), readVersion(String(b.version))];
  return (of && other && compareVersions(other, of)) || b.createdAt - a.createdAt;
}

function render({ uri, type, version, createdAt }: Entry): object {
  return { uri, type, job_type: type, version, mode: 'strict', created_at: new Date(createdAt).toISOString() };
}

function shown(entry: Entry, status = 200): PlainReply {
  return { status, text: `{"schema":${JSON.stringify(render(entry)).slice(0, -1)},"schema":${entry.text}}}` };
}
