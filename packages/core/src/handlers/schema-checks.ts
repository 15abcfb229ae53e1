import type { JobRecord, Json } from '../job/job.ts';
import { members } from '../json/json.ts';
import { Fields } from '../requests/fields.ts';
import { type Answered, ask, type Steps } from '../steps.ts';

/** Args to be checked against a schema. */
export interface Checked {
  readonly type: string;
  /** JSON text. */
  readonly args: Json;
  /** URI of the schema that the job names; null means that of its type and version. */
  readonly schema: string | null;
  /** The job's own version; absent or null means the latest. */
  readonly version?: string | null;
}

export interface SchemaChecks {
  /** Reports whether any schema is registered. */
  any(): Answered<boolean>;
  /** Returns warnings. @throws ProtocolError `schema_validation` */
  check(job: Checked): Answered<readonly string[]>;
}

/** Checks new args of a job that exists; returns warnings. @throws ProtocolError `schema_validation` */
export function checkArgs(
  schemas: SchemaChecks,
  { type, envelope }: Pick<JobRecord, 'type' | 'envelope'>,
  args: Json,
): Answered<readonly string[]> {
  const schema: unknown = JSON.parse(members(envelope).get('schema') ?? 'null');
  return schemas.check({
    type,
    args,
    schema: typeof schema === 'string' ? schema : null,
    version: versionOf(envelope),
  });
}

/** Checks the args of a job that something else will enqueue later, by the text of its request. */
export function* checkRequest(schemas: SchemaChecks, text: Json): Steps<void> {
  if (!(yield* ask(schemas.any()))) return;
  const { type } = Fields.parse(text);
  if (typeof type === 'string')
    yield* ask(checkArgs(schemas, { type, envelope: text }, members(text).get('args') ?? '[]'));
}

/** The version that a job names (ojs-job-versioning); null if it names none. */
export function versionOf(envelope: Json): string | null {
  const texts = members(envelope);
  const options: unknown = JSON.parse(texts.get('options') ?? 'null');
  const named = typeof options === 'object' && options !== null && 'version' in options ? options.version : null;
  const value: unknown = named ?? JSON.parse(texts.get('version') ?? 'null');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
