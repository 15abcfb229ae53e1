import { ProtocolError } from '../errors.ts';
import type { JobPolicy, Json, NewJob, RetryPolicy } from '../job/job.ts';
import { State } from '../job/states.ts';
import { isObject, readJson, readListObject, utf8Length } from '../json/json.ts';
import { defaultRetry, retryText } from '../lifecycle/retry.ts';
import { newUnique, type UniquePolicy } from '../lifecycle/unique/unique.ts';
import type { Millis } from '../time/clock.ts';
import {
  type Identity,
  Request,
  readIdentity,
  readPolicies,
  readResultTerms,
  readTiming,
  type Timing,
} from './attributes.ts';
import { jobShape } from './job-shape.ts';
import { type UnknownMember, unknownMembers } from './unknown-members.ts';
import { type Field, maxBatchJobs, maxEnvelopeBytes } from './validate.ts';

export interface ReadEnvelope {
  readonly job: NewJob;
  /** The effect of the unique policy on a duplicate; null if the job has no policy. */
  readonly onConflict: UniquePolicy['onConflict'] | null;
  /** True if the unique policy counts jobs of other queues. */
  readonly crossesQueues: boolean;
  /** True if the client chose the id. */
  readonly named: boolean;
  readonly args: Json;
  /** URI of the schema that the args are to match. */
  readonly schema: string | null;
  /**
   * Members that the protocol does not have: stored as sent if they are at the top (ojs-core §5.5), without an effect.
   */
  readonly unknown: readonly UnknownMember[];
}

/** ojs-timeouts §5.5. */
export const defaultHeartbeatMs = 60_000;

/**
 * Reads one enqueue request in either shape, flat (ojs-core §5) or with `options` (ojs-http-binding §9.1), into a job
 * ready for insert. The job's envelope has the client's text unchanged, so numbers, key order and unknown members
 * survive.
 * @param now in milliseconds; becomes `createdAt`.
 * @param newId creates an id if the client sent none.
 * @throws ProtocolError `invalid_payload`, `invalid_request`, `validation_error` (only the retry policy is wrong) or
 * `envelope_too_large`.
 */
export function readEnvelope(
  text: Json,
  now: Millis,
  newId: () => string,
  context: EnvelopeContext = {},
): ReadEnvelope {
  const { at = '$' } = context;
  limitSize(text, at);
  return normalise(text, readJson(text, label(at)), now, newId, context);
}

export interface EnvelopeContext {
  /** JSONPath of the envelope within the request, for messages; `$` by default. */
  readonly at?: string;
  /**
   * Members for the end of the job's envelope, each behind a comma. Adding them later would copy the envelope once
   * more.
   */
  readonly lastMembers?: Json;
  /** The moment from which relative times count: the last moment that may be now. By default it is `now`. */
  readonly latest?: Millis;
  /** The raw texts of its members, where the document was read already. */
  readonly members?: ReadonlyMap<string, Json> | null;
  /** True if `newId` makes ids that no other job can have: not those derived from a key of the call. Default: false. */
  readonly fresh?: boolean;
}

/** Reads an envelope that was parsed as a part of a larger document: `value` is the parsed `text`. */
export function readParsedEnvelope(
  text: Json,
  value: unknown,
  now: Millis,
  newId: () => string,
  context: EnvelopeContext,
): ReadEnvelope {
  limitSize(text, context.at ?? '$');
  return normalise(text, value, now, newId, context);
}

/**
 * Reads `{"jobs": […]}`, 1 to 10,000 envelopes (ojs-json-format §10).
 * @param body the parsed text.
 * @throws ProtocolError as {@link readEnvelope} does; `details.index` is that of the first bad envelope.
 */
export function readEnvelopes(
  text: Json,
  now: Millis,
  newId: () => string,
  latest: Millis = now,
  body: unknown = readJson(text, 'The request body'),
): readonly ReadEnvelope[] {
  if (!isObject(body))
    throw new ProtocolError('invalid_payload', 'The request body must be a JSON object with a "jobs" array.');
  const { jobs } = body;
  if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > maxBatchJobs) {
    const message =
      `jobs must be an array of 1 to ${maxBatchJobs} ` +
      `envelopes${Array.isArray(jobs) ? `; it has ${jobs.length}` : ''}`;
    throw ProtocolError.invalid([{ path: '$.jobs', message }]);
  }
  return readListObject(text, 'jobs').elements.map((element, index) => {
    const at = `$.jobs[${index}]`;
    try {
      return readParsedEnvelope(element.text, jobs[index], now, newId, { at, latest, members: element.members });
    } catch (error) {
      throw error instanceof ProtocolError
        ? new ProtocolError(error.code, error.message, { ...error.details, index }, error.hint)
        : error;
    }
  });
}

function label(at: string): string {
  return at === '$' ? 'The request body' : `The envelope at ${at}`;
}

function limitSize(text: Json, at: string): void {
  if (text.length * 3 <= maxEnvelopeBytes) return;
  const bytes = utf8Length(text);
  if (bytes <= maxEnvelopeBytes) return;
  const message =
    `${label(at)} has ${bytes} bytes; at most ${maxEnvelopeBytes} are allowed. ` +
    'Keep args small: store the data elsewhere and send its id.';
  throw new ProtocolError('envelope_too_large', message, { size: bytes, max_size: maxEnvelopeBytes });
}

function normalise(
  text: Json,
  value: unknown,
  now: Millis,
  newId: () => string,
  { at = '$', lastMembers = '', latest = now, members = null, fresh = false }: EnvelopeContext,
): ReadEnvelope {
  if (!isObject(value)) throw new ProtocolError('invalid_payload', `${label(at)} must be a JSON object.`);
  const request = new Request(value, text, at, members);
  const identity = readIdentity(request);
  const timing = readTiming(request, latest);
  const {
    retry,
    retryField,
    retryIssues,
    unique,
    uniquePolicy: policy,
    rateLimit,
    limits,
  } = readPolicies(request, identity.queue);
  const resultTerms = readResultTerms(request);
  const issues = request.issues.all;
  if (issues.length > 0) throw ProtocolError.invalid([...issues, ...retryIssues]);
  if (retryIssues.length > 0) throw ProtocolError.invalid(retryIssues, 'validation_error');

  const id = identity.id ?? newId();
  let envelope = head(id, identity, timing, retry.maxAttempts ?? defaultRetry.maxAttempts);
  if (retryField !== null) envelope += `,"retry":${retryText(retryField.text)}`;
  const { total, ttl, grace, heartbeat } = timing;
  for (const field of [
    unique,
    rateLimit,
    identity.tags,
    identity.schema,
    total,
    ttl,
    grace,
    heartbeat,
    ...resultTerms,
  ]) {
    if (field !== null) envelope += `,"${field.name}":${field.text}`;
  }
  envelope += `${request.unknown()}${lastMembers}}`;

  const isLater = timing.scheduledAt !== null && timing.scheduledAt > now;
  const deadlineAt = timing.totalMs === null ? null : now + timing.totalMs;
  const laterExpiresAt = earlier(timing.expiresAt, deadlineAt);
  const job: NewJob = {
    id,
    type: identity.type,
    queue: identity.queue,
    // A pending job keeps its time for the activation.
    state: identity.pending ? State.pending : isLater ? State.scheduled : State.available,
    priority: identity.priority,
    runAt: isLater ? timing.scheduledAt : now,
    expiresAt: earlier(laterExpiresAt, timing.ttlMs === null ? null : now + timing.ttlMs),
    laterExpiresAt,
    deadlineAt,
    heartbeatMs: timing.heartbeatMs ?? defaultHeartbeatMs,
    // The server waits for a grace period only if the job has one.
    timeoutMs: timing.timeoutMs + (timing.graceMs ?? 0),
    visibilityMs: timing.visibilityMs,
    createdAt: now,
    trace: identity.trace,
    envelope,
    policy: policyText(retry, timing),
    unique: policy && newUnique(policy, identity, now),
    limits,
    node: null,
    cron: null,
    idIsNew: fresh && identity.id === null ? true : undefined,
  };
  const schema = typeof identity.schema?.value === 'string' ? identity.schema.value : null;
  return {
    job,
    onConflict: policy?.onConflict ?? null,
    crossesQueues: policy !== null && !policy.keys.includes('queue'),
    named: identity.id !== null,
    args: identity.args,
    schema,
    unknown: request.isPlain ? [] : unknownMembers(value, jobShape, at),
  };
}

function earlier(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/**
 * The first members of every envelope. Only `args`, `meta` and the fields that are echoed as sent can have characters
 * that need an escape.
 */
function head(id: string, identity: Identity, timing: Timing, maxAttempts: number): string {
  let text = `{"specversion":"1.0","id":"${id}","type":"${identity.type}","queue":"${identity.queue}","args":${identity.args},"meta":${identity.meta}`;
  text += `,"max_attempts":${maxAttempts},"timeout_ms":${timing.timeoutMs}`;
  if (timing.timeout?.name === 'timeout') text += sent('timeout', timing.timeout);
  if (timing.visibilityMs !== null) text += `,"visibility_timeout_ms":${timing.visibilityMs}`;
  if (timing.visibility?.name === 'visibility_timeout') text += sent('visibility_timeout', timing.visibility);
  if (timing.scheduled !== null) text += sent('scheduled_at', timing.scheduled);
  if (timing.expires !== null) text += sent('expires_at', timing.expires);
  return text;
}

function sent(name: string, field: Field): string {
  return `,"${name}":${field.text}`;
}

function policyText(retry: Partial<RetryPolicy>, timing: Timing): Json | null {
  const { scheduled, expires, total, ttl, grace, heartbeat } = timing;
  if ((scheduled ?? expires ?? total ?? ttl ?? grace ?? heartbeat) === null && Object.keys(retry).length === 0)
    return null;
  const policy: { -readonly [K in keyof JobPolicy]: JobPolicy[K] } = {};
  const resolved = {
    ...(isRelative(timing.scheduled) && timing.scheduledAt !== null && { scheduled_at: timing.scheduledAt }),
    ...(isRelative(timing.expires) && timing.expiresAt !== null && { expires_at: timing.expiresAt }),
  };
  if (Object.keys(resolved).length > 0) policy.resolved = resolved;
  if (Object.keys(retry).length > 0) policy.retry = retry;
  if (timing.totalMs !== null) policy.totalTimeoutMs = timing.totalMs;
  if (timing.ttlMs !== null) policy.enqueueTtlMs = timing.ttlMs;
  if (timing.graceMs !== null) policy.gracePeriodMs = timing.graceMs;
  if (timing.heartbeatMs !== null) policy.heartbeatTimeoutMs = timing.heartbeatMs;
  return Object.keys(policy).length === 0 ? null : JSON.stringify(policy);
}

/** A timestamp begins with its year. */
function isRelative(field: Field | null): boolean {
  return field !== null && !/^"\d/.test(field.text);
}
