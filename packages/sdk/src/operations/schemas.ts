import { type Call, isJobType } from '@ojs-ts/core';
import { OJSAnswerError, OJSValidationError } from '../errors.ts';
import { compact, dateOf, listOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import { expectedType } from '../options/values.ts';
import type { PageQuery } from './page.ts';
import { change, list, read, remove } from './row.ts';

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

export const schemaRows = {
  /** Registers a JSON schema. From then on the server checks the args of jobs of this type. */
  registerSchema: (uri: string, jobType: string, version: string, schema: Readonly<Record<string, unknown>>) => {
    if (typeof uri !== 'string' || uri === '')
      throw OJSValidationError.of('uri', 'expected a URI such as urn:ojs:schema:email.send:v1', uri);
    if (!isJobType(jobType)) throw OJSValidationError.of('jobType', expectedType(jobType));
    if (wireOf(schema) === undefined)
      throw OJSValidationError.of('schema', "expected a JSON Schema such as { type: 'array' }", schema);
    const body = JSON.stringify({ uri, type: jobType, version, schema });
    return change({ operation: 'schema.register', body }, readSchema, {
      settings: {
        // A server may refuse to register a version twice. If the text is the same, the first attempt of this call has
        // registered it.
        recover: ({ statusCode }) =>
          statusCode === 409 ? { calls: [getCall(uri)], body: ([found]) => same(found, schema) } : null,
      },
    });
  },
  /** The schemas without their texts. Iterating over the page reads the following pages too. */
  listSchemas: () => (query: PageQuery) => list('schema.list', query, ['schemas', 'items'], readInfo),
  /** The newest version of a schema, with its text. @throws {JobNotFoundError} */
  getSchema: (uri: string) => read(getCall(uri), readSchema),
  /**
   * The schemas of a job type, newest first, without their texts. @throws {JobNotFoundError} if the job type has none.
   */
  listSchemaVersions: (jobType: string) =>
    read({ operation: 'schema.versions', params: { key: jobType } }, ({ versions, items }) =>
      listOf(versions ?? items).map(readInfo),
    ),
  /** One version of the schema of a job type, with its text. @throws {JobNotFoundError} */
  getSchemaVersion: (jobType: string, version: string) =>
    read({ operation: 'schema.getVersion', params: { key: jobType, version } }, readSchema),
  /** Deletes one version of a schema; the others stay. @throws {JobNotFoundError} */
  deleteSchemaVersion: (jobType: string, version: string) =>
    remove({ operation: 'schema.deleteVersion', params: { key: jobType, version } }, { jobType, version }),
  /** Deletes a schema. The server then checks no args by it. @throws {JobNotFoundError} */
  deleteSchema: (uri: string) => remove({ operation: 'schema.delete', params: { key: uri } }, { uri }),
};

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
