import type { WireRequest } from '../draft.ts';
import { isOjsError, OJSValidationError } from '../errors.ts';
import { jobIn, readJob } from '../job.ts';
import { getCall } from '../jobs.ts';
import { isWire, listOf, numberOf, type Wire, wireOf } from '../json.ts';
import type { Operation } from '../operation.ts';
import { isOwn } from './own.ts';
import { outcomeOf, type Sent } from './sent.ts';

/** Batches up to this size are sent without asking for the server's limit; every server takes as many (L4-BULK-002). */
export const surelyTaken = 1_000;

/** PUSH of several, all or none (ojs-http-binding §9). @throws {OJSValidationError} for more jobs than the server takes at once. */
export function* enqueueBatch(requests: readonly WireRequest[], limit: number | null): Operation<Sent[]> {
  const [first] = requests;
  if (first === undefined) return [];
  if (limit !== null && requests.length > limit) throw tooMany(requests.length, limit);
  const ids = requests.map(({ id }) => id);
  let answer: Wire;
  try {
    answer = yield {
      call: {
        operation: 'job.enqueueBatch',
        body: `{"jobs":[${requests.map(({ text }) => text).join(',')}]}`,
        idempotencyKey: first.id,
      },
      settings: {
        recover: (error) => (isOwn(error, ids) ? { calls: ids.map(getCall), body: (jobs) => ({ jobs }) } : null),
      },
    };
  } catch (error) {
    if (!isOjsError(error, 'batch_size_exceeded') || !('error' in error)) throw error;
    throw tooMany(requests.length, numberOf(wireOf(wireOf(error.error)?.details)?.max_batch_size), error);
  }
  return listOf(answer.jobs).map((raw) => ({
    job: readJob(jobIn(raw)),
    outcome: isWire(raw) ? outcomeOf(raw) : 'created',
  }));
}

/** Jobs that the server takes in one batch, as its manifest says; null where it does not. */
export function* batchLimit(): Operation<number | null> {
  const manifest = yield { call: { operation: 'system.manifest' } };
  return numberOf(wireOf(manifest.limits)?.max_batch_jobs) ?? null;
}

function tooMany(count: number, max: number | undefined, cause?: unknown): OJSValidationError {
  const message = `expected at most ${max ?? 'as many jobs as the server takes'} in one batch, got ${count}; nothing was enqueued`;
  return new OJSValidationError(`requests: ${message}`, {
    cause,
    operation: 'job.enqueueBatch',
    issues: [{ path: 'requests', message }],
  });
}
