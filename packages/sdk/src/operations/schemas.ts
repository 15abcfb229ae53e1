import { type Call, isJobType, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { goneIsDone } from '../connection/recovery.ts';
import { OJSAnswerError, OJSValidationError } from '../errors.ts';
import { compact, dateOf, listOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import { expectedType } from '../options/names.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';

/** A registered schema without its text (ojs-http-binding §15). */
export interface SchemaInfo {
  readonly uri: string;
  /** The type of the jobs whose args the schema checks. */
  readonly type: string;
  readonly version: string;
  readonly createdAt?: Date;
}

/** A schema with its text. */
export interface Schema extends SchemaInfo {
  /** The registered JSON Schema, unchanged. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** @throws {OJSValidationError} before anything is sent. */
export function* registerSchema(
  uri: string,
  jobType: string,
  version: string,
  schema: Readonly<Record<string, unknown>>,
): Operation<Schema> {
  if (typeof uri !== 'string' || uri === '')
    throw OJSValidationError.of('uri', 'expected a URI such as urn:ojs:schema:email.send:v1');
  if (!isJobType(jobType)) throw OJSValidationError.of('jobType', expectedType(jobType));
  if (wireOf(schema) === undefined) throw OJSValidationError.of('schema', 'expected a JSON Schema, an object');
  const body = JSON.stringify({ uri, type: jobType, version, schema });
  const answer = yield {
    call: { operation: 'schema.register', body, idempotencyKey: uuidv7() },
    settings: {
      // A server may refuse to register a version twice. If the text is the same, the first attempt of this call has
      // registered it.
      recover: ({ statusCode }) =>
        statusCode === 409 ? { calls: [getCall(uri)], body: ([found]) => same(found, schema) } : null,
    },
  };
  return readSchema(answer);
}

export function* listSchemas(query: PageQuery): Operation<PageOf<SchemaInfo>> {
  const body = yield { call: { operation: 'schema.list', query: { ...query } } };
  return readPage(body, query, listOf(body.schemas ?? body.items).map(readInfo));
}

export function* getSchema(uri: string): Operation<Schema> {
  return readSchema(yield { call: getCall(uri) });
}

export function* deleteSchema(uri: string): Operation<{ deleted: boolean; uri: string }> {
  const call = { operation: 'schema.delete', params: { key: uri }, idempotencyKey: uuidv7() } as const;
  const body = yield { call, settings: { recover: goneIsDone } };
  return { deleted: body.deleted !== false, uri };
}

/** All versions of a job type, newest first. */
export function* listSchemaVersions(jobType: string): Operation<SchemaInfo[]> {
  const body = yield { call: { operation: 'schema.versions', params: { key: jobType } } };
  return listOf(body.versions ?? body.items).map(readInfo);
}

export function* getSchemaVersion(jobType: string, version: string): Operation<Schema> {
  return readSchema(yield { call: { operation: 'schema.getVersion', params: { key: jobType, version } } });
}

export function* deleteSchemaVersion(
  jobType: string,
  version: string,
): Operation<{ deleted: boolean; jobType: string; version: string }> {
  const call = {
    operation: 'schema.deleteVersion',
    params: { key: jobType, version },
    idempotencyKey: uuidv7(),
  } as const;
  const body = yield { call, settings: { recover: goneIsDone } };
  return { deleted: body.deleted !== false, jobType, version };
}

function getCall(uri: string): Call {
  return { operation: 'schema.get', params: { key: uri } };
}

function same(found: Wire | undefined, schema: object): Wire | null {
  return found !== undefined && JSON.stringify(readSchema(found).schema) === JSON.stringify(schema) ? found : null;
}

/** `{schema: {uri, …, schema}}`, or the same without the wrapper. */
function readSchema(body: unknown): Schema {
  const outer = wireOf(body) ?? {};
  const wrapped = wireOf(outer.schema);
  const raw = textOf(outer.uri) === undefined && wrapped !== undefined ? wrapped : outer;
  return { ...readInfo(raw), schema: wireOf(raw.schema) ?? {} };
}

function readInfo(body: unknown): SchemaInfo {
  const raw = wireOf(body) ?? {};
  const uri = textOf(raw.uri);
  if (uri === undefined) throw new OJSAnswerError('The answer holds no schema: expected an object with a uri.');
  // A number in the examples of the specification, a text in requests of clients.
  const version = textOf(raw.version) ?? numberOf(raw.version)?.toString() ?? '';
  return compact({
    uri,
    type: textOf(raw.type) ?? textOf(raw.job_type) ?? '',
    version,
    createdAt: dateOf(raw.created_at),
  });
}
