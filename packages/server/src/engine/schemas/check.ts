import { members, ProtocolError } from '@ojs-ts/core';
import type { JobRecord, Json, ReadEnvelope } from '@ojs-ts/core/job';
import type { Schemas } from './schemas.ts';

const noWarnings: readonly string[] = [];

/**
 * Checks envelopes before they are enqueued; returns warnings. An error about one of several has its index in
 * `details.index`.
 */
export async function checkEnvelopes(schemas: Schemas, read: readonly ReadEnvelope[]): Promise<readonly string[]> {
  if (!(await schemas.any())) return noWarnings;
  const warnings: string[] = [];
  for (const [index, { job, args, schema }] of read.entries()) {
    try {
      const version = schema === null && (await schemas.has(job.type)) ? versionOf(job.envelope) : null;
      const found = await schemas.check({ type: job.type, args, schema, version });
      if (found.length > 0)
        warnings.push(...(read.length === 1 ? found : found.map((text) => `jobs[${index}]: ${text}`)));
    } catch (error) {
      if (error instanceof ProtocolError && read.length > 1)
        throw new ProtocolError(error.code, error.message, { ...error.details, index }, error.hint);
      throw error;
    }
  }
  return warnings.length === 0 ? noWarnings : warnings;
}

/** Checks new args of a job that exists; returns warnings. @throws ProtocolError `schema_validation` */
export function checkArgs(
  schemas: Schemas,
  { type, envelope }: Pick<JobRecord, 'type' | 'envelope'>,
  args: Json,
): Promise<readonly string[]> {
  const schema: unknown = JSON.parse(members(envelope).get('schema') ?? 'null');
  return schemas.check({
    type,
    args,
    schema: typeof schema === 'string' ? schema : null,
    version: versionOf(envelope),
  });
}

/** The version that a job names (ojs-job-versioning); null if it names none. */
export function versionOf(envelope: Json): string | null {
  const texts = members(envelope);
  const options: unknown = JSON.parse(texts.get('options') ?? 'null');
  const named = typeof options === 'object' && options !== null && 'version' in options ? options.version : null;
  const value: unknown = named ?? JSON.parse(texts.get('version') ?? 'null');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
