import { ProtocolError } from '@ojs-ts/core';
import { versionOf } from '@ojs-ts/core/handlers';
import type { ReadEnvelope } from '@ojs-ts/core/job';
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
