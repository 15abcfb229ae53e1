import type { ValidationIssue } from '../errors.ts';
import type { Json, Limit, RetryPolicy } from '../job/job.ts';
import { isObject, members, objectText } from '../json/json.ts';
import { readLimits } from '../lifecycle/limits/requested.ts';
import { readRetry } from '../lifecycle/retry.ts';
import { type UniquePolicy, uniqueOf } from '../lifecycle/unique/unique.ts';
import { namedPriorities } from '../names.ts';
import type { Millis } from '../time/clock.ts';
import { parseDuration } from '../time/duration.ts';
import { readTime } from '../time/timestamp.ts';
import { type Field, Issues, Part, type Rule, rules } from './validate.ts';

/** ojs-core §5.2, ojs-timeouts §5.1. */
export const defaultTimeoutMs = 1_800_000;
export const defaultQueue = 'default';

/** The places where a client may write a member, besides the top of an enqueue request. */
interface Places {
  /** In `options` of the request. */
  readonly options: boolean;
  /** Beside the name of a cron: the member holds for every run. */
  readonly cron: boolean;
}

const atTop = { options: false, cron: true };
const anywhere = { options: true, cron: true };
/** Each run of a cron has its own. */
const ofOneJob = { options: true, cron: false };
/** Members that this server interprets; the stored envelope has them under their canonical name. */
const attributes = {
  specversion: { options: false, cron: false },
  id: { options: false, cron: false },
  type: atTop,
  args: atTop,
  meta: anywhere,
  schema: atTop,
  options: atTop,
  queue: anywhere,
  priority: anywhere,
  timeout: anywhere,
  timeout_ms: anywhere,
  scheduled_at: ofOneJob,
  delay_until: ofOneJob,
  expires_at: ofOneJob,
  pending: ofOneJob,
  retry: anywhere,
  unique: anywhere,
  visibility_timeout: anywhere,
  visibility_timeout_ms: anywhere,
  tags: anywhere,
  rate_limit: anywhere,
  total_timeout: anywhere,
  enqueue_ttl: anywhere,
  grace_period: anywhere,
  heartbeat_timeout: anywhere,
  result_ttl: anywhere,
  result_size_limit: anywhere,
} as const satisfies Readonly<Record<string, Places>>;

/** A reader takes these names only: the compiler refuses a member that is missing above. */
type AttributeName = keyof typeof attributes;
type OptionName = AttributeName | 'metadata' | 'version' | 'retry_policy';

export const attributeNames: readonly string[] = /* @__PURE__ */ Object.keys(attributes);
export const optionNames: readonly string[] = /* @__PURE__ */ namesAt('options').concat('metadata', 'version');
export const cronJobNames: readonly string[] = /* @__PURE__ */ namesAt('cron');

function namesAt(place: keyof Places): readonly string[] {
  return Object.entries(attributes).flatMap(([name, places]) => (places[place] ? [name] : []));
}

/**
 * Members that the server manages. A client's values are ignored (ojs-core §5.3), so that no rendered job has a member
 * twice.
 */
export const managedNames =
  /* @__PURE__ */ `state attempt max_attempts created_at enqueued_at started_at completed_at cancelled_at discarded_at
  activated_at re_enqueued_at previous_state error errors result retry_delay_ms next_attempt_at next_retry_at
  worker_id workflow_id parent_results x_parent_results_from x_parent_results_left_out deduplicated x_lease
  x_progress x_wait x_steps x_successor x_alone_ms checkpoint last_checkpoint`.split(/\s+/);
/**
 * Names that the server uses for a job elsewhere in its answers, so a reader of an envelope may take them for the
 * server's word. Not stored either, but a client that sends one is warned.
 */
const reservedNames =
  /* @__PURE__ */ `cron cron_name dead_letter dead_lettered_at unique_key uniqueness_key progress progress_percentage
  error_fingerprint fingerprint last_error workflow workflow_step step retry_policy result_stored_at
  result_expires_at result_size_bytes pruned failed_at finished_at ended_at expired_at updated_at replaced
  replaced_by existing_job_id new_job_id lease_expires_at last_heartbeat_at`.split(/\s+/);
const interpreted: ReadonlySet<string> = /* @__PURE__ */ new Set(
  /* @__PURE__ */ attributeNames.concat(managedNames, reservedNames),
);

/** The members of most requests, in each of the two places. */
const plainNames: ReadonlySet<string> = /* @__PURE__ */ new Set(
  'specversion id type args meta options queue priority tags schema pending'.split(' '),
);
const plainOptions: ReadonlySet<string> = /* @__PURE__ */ new Set(
  'meta metadata queue priority tags pending'.split(' '),
);

function hasOnly(values: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): boolean {
  for (const name of Object.keys(values)) if (!names.has(name)) return false;
  return true;
}

/** An enqueue request in either shape; `options` wins over the same member at the top. */
export class Request {
  readonly issues = new Issues();
  readonly top: Part<AttributeName>;
  readonly options: Part<OptionName> | null;
  /**
   * True if it has no member of those that most requests leave out: times, policies, and members that the protocol does
   * not have. A plain request saves the search for each of these.
   */
  readonly isPlain: boolean;

  /** @param texts the raw texts of its members, if they were read before. */
  constructor(
    values: Readonly<Record<string, unknown>>,
    text: Json,
    path: string,
    texts: ReadonlyMap<string, Json> | null,
  ) {
    this.top = new Part<AttributeName>(values, text, path, texts);
    const field = this.top.find('options');
    const options = this.issues.check(field, rules.object);
    this.options = field === null || options === null ? null : new Part<OptionName>(options, field.text, field.path);
    this.isPlain = hasOnly(values, plainNames) && (options === null || hasOnly(options, plainOptions));
  }

  either(name: AttributeName, other?: AttributeName): Field | null {
    return this.options?.find(name, other) ?? this.top.find(name, other);
  }

  required(name: AttributeName): Field | null {
    const field = this.top.find(name);
    if (field === null) this.issues.add(`${this.top.path}.${name}`, `${name} is required`);
    return field;
  }

  /**
   * Members that this server does not interpret; they are stored verbatim (ojs-core §5.5.4). The version of the job may
   * be in the options too (ojs-job-versioning). Each has a comma before it.
   */
  unknown(): Json {
    if (this.isPlain) return '';
    const version = this.options?.find('version') ?? null;
    let text = '';
    for (const member of this.top.texts)
      if (!interpreted.has(member[0]) && !(version !== null && member[0] === 'version'))
        text += `,${JSON.stringify(member[0])}:${member[1]}`;
    return version === null ? text : `${text},"${version.name}":${version.text}`;
  }
}

export interface Identity {
  /** Null if the server is to create one. */
  readonly id: string | null;
  readonly type: string;
  readonly queue: string;
  readonly args: Json;
  readonly meta: Json;
  readonly trace: string | null;
  readonly priority: number;
  readonly pending: boolean;
  readonly tags: Field | null;
  readonly schema: Field | null;
}

/** The type, id and queue of the job. For a wrong attribute the issue is noted, and the value has no meaning. */
export function readIdentity(request: Request): Identity {
  const { top, issues } = request;
  issues.check(top.find('specversion'), rules.specversion);
  const id = issues.check(top.find('id'), rules.id);
  const type = issues.check(request.required('type'), rules.type) ?? '';
  const args = request.required('args');
  issues.check(args, rules.args);
  const sources = metaSources(request);
  const priority = issues.check(request.either('priority'), rules.priority) ?? 0;
  const tags = request.either('tags');
  issues.check(tags, rules.names);
  const schema = top.find('schema');
  issues.check(schema, rules.text);
  return {
    id,
    type,
    queue: issues.check(request.either('queue'), rules.queue) ?? defaultQueue,
    args: args?.text ?? '[]',
    meta: metaText(issues, sources),
    trace: sources.length === 0 ? null : traceOf(sources),
    priority: typeof priority === 'string' ? namedPriorities[priority] : priority,
    pending: issues.check(request.either('pending'), rules.flag) ?? false,
    tags,
    schema,
  };
}

/** `meta`, `options.meta` and `options.metadata` as one object; of equal keys the later source wins. */
function metaText(issues: Issues, sources: readonly Field[]): Json {
  for (const field of sources) issues.check(field, rules.object);
  if (sources.length <= 1) return sources[0]?.text ?? '{}';
  const merged = new Map<string, Json>();
  for (const field of sources)
    if (isObject(field.value)) for (const [key, text] of members(field.text)) merged.set(key, text);
  return objectText(merged);
}

function metaSources({ top, options }: Request): readonly Field[] {
  const sources: Field[] = [];
  for (const field of [top.find('meta'), options?.find('meta'), options?.find('metadata')])
    if (field) sources.push(field);
  return sources;
}

/** The longest trace id. A longer text is not a trace id. */
const maxTrace = 128;

/** `trace_id`, or the trace of a W3C `traceparent` (`00-TRACE-SPAN-FLAGS`); null if neither is a text. */
function traceOf(sources: readonly Field[]): string | null {
  const named = (name: string): string | null => {
    const value = sources.findLast((field) => isObject(field.value) && typeof field.value[name] === 'string')?.value;
    const text = isObject(value) ? value[name] : null;
    return typeof text === 'string' && text.length <= maxTrace && /^[^\p{Cc}]+$/u.test(text) && text.isWellFormed()
      ? text
      : null;
  };
  return named('trace_id') ?? named('traceparent')?.split('-')[1] ?? null;
}

/** Times as instants and in milliseconds, with the fields that had them. */
export interface Timing {
  /** Without the grace period. */
  readonly timeoutMs: number;
  readonly timeout: Field | null;
  readonly visibilityMs: number | null;
  readonly visibility: Field | null;
  readonly scheduledAt: Millis | null;
  readonly scheduled: Field | null;
  readonly expiresAt: Millis | null;
  readonly expires: Field | null;
  readonly totalMs: number | null;
  readonly total: Field | null;
  readonly ttlMs: number | null;
  readonly ttl: Field | null;
  readonly graceMs: number | null;
  readonly grace: Field | null;
  readonly heartbeatMs: number | null;
  readonly heartbeat: Field | null;
}

const noTiming: Timing = {
  timeoutMs: defaultTimeoutMs,
  timeout: null,
  visibilityMs: null,
  visibility: null,
  scheduledAt: null,
  scheduled: null,
  expiresAt: null,
  expires: null,
  totalMs: null,
  total: null,
  ttlMs: null,
  ttl: null,
  graceMs: null,
  grace: null,
  heartbeatMs: null,
  heartbeat: null,
};

/** @param latest what relative times count from. */
export function readTiming(request: Request, latest: Millis): Timing {
  if (request.isPlain) return noTiming;
  const { top, options, issues } = request;
  const timeout = options?.find('timeout_ms', 'timeout') ?? top.find('timeout', 'timeout_ms');
  const visibility = request.either('visibility_timeout_ms', 'visibility_timeout');
  const scheduled = options?.find('delay_until', 'scheduled_at') ?? top.find('scheduled_at', 'delay_until');
  const expires = request.either('expires_at');
  const total = request.either('total_timeout');
  const ttl = request.either('enqueue_ttl');
  const grace = request.either('grace_period');
  const heartbeat = request.either('heartbeat_timeout');

  const timeoutRead =
    timeout?.name === 'timeout' ? inSeconds(issues, timeout, rules.seconds) : issues.check(timeout, rules.millis);
  const totalMs = inSeconds(issues, total, rules.positiveSeconds);
  // 0 means the default, and the default yields to a shorter total.
  const timeoutMs = timeoutRead || Math.min(defaultTimeoutMs, totalMs ?? defaultTimeoutMs);
  if (total !== null && totalMs !== null && totalMs < timeoutMs) {
    issues.add(total.path, `total_timeout must not be shorter than the timeout, ${timeoutMs / 1000} s`);
  }
  return {
    timeoutMs,
    timeout,
    visibilityMs: visibilityOf(issues, visibility),
    visibility,
    scheduledAt: momentOf(issues, scheduled, latest),
    scheduled,
    expiresAt: momentOf(issues, expires, latest),
    expires,
    totalMs,
    total,
    ttlMs: inSeconds(issues, ttl, rules.positiveSeconds),
    ttl,
    graceMs: inSeconds(issues, grace, rules.seconds),
    grace,
    heartbeatMs: inSeconds(issues, heartbeat, rules.positiveSeconds),
    heartbeat,
  };
}

function inSeconds(issues: Issues, field: Field | null, rule: Rule<number>): number | null {
  const seconds = issues.check(field, rule);
  return seconds === null ? null : seconds * 1000;
}

/** `visibility_timeout` is a number of seconds or an ISO 8601 duration. */
function visibilityOf(issues: Issues, field: Field | null): number | null {
  if (field?.name !== 'visibility_timeout') return issues.check(field, rules.positiveMillis);
  const { value } = field;
  if (typeof value !== 'string') return inSeconds(issues, field, rules.positiveSeconds);
  return parseDuration(value) || issues.expected(field, rules.duration);
}

function momentOf(issues: Issues, field: Field | null, from: Millis): Millis | null {
  if (field === null) return null;
  const { value } = field;
  return (typeof value === 'string' ? readTime(value, from) : null) ?? issues.expected(field, rules.timestamp);
}

export interface Policies {
  readonly retry: Partial<RetryPolicy>;
  readonly retryField: Field | null;
  /** Separate from the others, because a wrong retry policy has its own error code. */
  readonly retryIssues: readonly ValidationIssue[];
  readonly unique: Field | null;
  readonly uniquePolicy: UniquePolicy | null;
  readonly rateLimit: Field | null;
  readonly limits: readonly Limit[];
}

const noPolicies: Policies = {
  retry: {},
  retryField: null,
  retryIssues: [],
  unique: null,
  uniquePolicy: null,
  rateLimit: null,
  limits: [],
};

export function readPolicies(request: Request, queue: string): Policies {
  if (request.isPlain) return noPolicies;
  const { top, options, issues } = request;
  const unique = request.either('unique');
  const uniquePolicy = unique === null ? null : uniqueOf(unique.value, unique.path, issues.all);
  const rateLimit = request.either('rate_limit');
  const limits = rateLimit === null ? [] : readLimits(rateLimit.value, rateLimit.path, queue, issues.all);
  const retryField = options?.find('retry', 'retry_policy') ?? top.find('retry');
  const found = { ...noPolicies, unique, uniquePolicy, rateLimit, limits };
  if (retryField === null) return found;
  const read = readRetry(retryField.value, retryField.path);
  if ('issues' in read) return { ...found, retryField, retryIssues: read.issues };
  return { ...found, retryField, retry: read.policy };
}

/** Reads the members about the job's result (ojs-results §6.1). */
export function readResultTerms(request: Request): readonly (Field | null)[] {
  if (request.isPlain) return [];
  const ttl = request.either('result_ttl');
  request.issues.check(ttl, rules.resultTtl);
  const size = request.either('result_size_limit');
  request.issues.check(size, rules.bytes);
  return [ttl, size];
}
