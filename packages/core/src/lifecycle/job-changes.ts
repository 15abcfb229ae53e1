import { ProtocolError } from '../errors.ts';
import type { JobRecord, Json } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import { retryText } from './retry.ts';

/** The fields of a job that an operator may change, by the names of an enqueue request. */
export const changeNames = [
  'args',
  'meta',
  'queue',
  'priority',
  'retry',
  'scheduled_at',
  'delay_until',
  'tags',
  'timeout',
  'timeout_ms',
] as const;

/**
 * Changes of a job as JSON texts. The members of `meta` and `retry` replace those of the same names; every other text
 * replaces the whole member. Nothing is checked yet: the reader of the changed request does that.
 */
export type JobChanges = Readonly<Partial<Record<(typeof changeNames)[number], Json>>>;

/** A mark of the SDK's encryption: the client has encoded the args, and the rest of `ojs.codec.…` is about them. */
const encodings = 'ojs.codec.encodings';

/**
 * The request that enqueues the job as it is, with these changes: who reads it makes all checks of an enqueue.
 * @throws ProtocolError `invalid_request` for new args of a job whose client encodes them.
 */
export function changedRequest(job: JobRecord, changes: JobChanges): Map<string, Json> {
  const request = new Map(members(job.envelope));
  request.set('priority', String(job.priority));
  const meta = request.get('meta') ?? '{}';
  if (changes.args !== undefined && meta.includes(`"${encodings}"`) && !changes.meta?.includes(`"${encodings}"`))
    throw ProtocolError.invalid([
      {
        path: '$.args',
        message:
          `cannot be changed: the client has encoded them (meta "${encodings}"). ` +
          'Enqueue a new job with this client',
      },
    ]);
  for (const name of changeNames) {
    const text = changes[name];
    if (text === undefined) continue;
    if (name === 'delay_until') request.set('scheduled_at', text);
    else if (name === 'meta') request.set(name, isObjectText(text) ? merged(meta, text) : text);
    else if (name === 'retry') request.set(name, isObjectText(text) ? mergedRetry(request.get(name), text) : text);
    else if (name === 'timeout' || name === 'timeout_ms') {
      request.delete('timeout');
      request.delete('timeout_ms');
      request.set(name, text);
    } else request.set(name, text);
  }
  return request;
}

function isObjectText(text: Json): boolean {
  return text.startsWith('{');
}

/** The object with the members of the other one in place of its own of the same names. */
export function merged(text: Json, other: Json): Json {
  return objectText(new Map([...members(text), ...members(other)]));
}

/** The same for retry policies in any spelling. */
export function mergedRetry(text: Json | undefined, other: Json): Json {
  return merged(retryText(text ?? '{}'), retryText(other));
}
