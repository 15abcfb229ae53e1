import { Bulk } from '../bulk/bulk.ts';
import { cronJobNames, managedNames } from '../envelope/attributes.ts';
import { isFingerprint } from '../job/error-fingerprint.ts';
import { AllStates, isState, State, type StateMask, stateNames } from '../job/states.ts';
import { kindOfValue } from '../requests/fields.ts';
import { limitBatch } from '../requests/filters.ts';
import { commaSeparated } from '../requests/pages.ts';
import { didYouMean } from '../suggestion.ts';
import type { Millis } from '../time/clock.ts';
import { maxDurationMs, parseDuration } from '../time/duration.ts';
import { parseTimestamp, readTime } from '../time/timestamp.ts';
import { callbackNames } from '../workflow/plan.ts';
import { type TOptional, type TProperties, type TSchema, Type } from './type.ts';

/** A text that is read as another value. `expected` completes the sentence "must be …". */
const textAs = <T>(read: (text: string, now: Millis) => T | null, expected: string, keywords: object) =>
  Type.Read({ type: 'string', ...keywords }, `must be ${expected}`, (given, now) =>
    typeof given === 'string' ? read(given, now) : null,
  );
export const checked = (is: (text: string) => boolean, expected: string, keywords: object) =>
  textAs((text) => (is(text) ? text : null), expected, keywords);

export const duration = (
  description: string,
  expected = 'an ISO 8601 duration such as P7D or PT30M',
  max = maxDurationMs,
) =>
  textAs(
    (text) => {
      const ms = parseDuration(text);
      return ms !== null && ms <= max ? ms : null;
    },
    expected,
    { format: 'duration', description },
  );
/** As in a query, an empty text counts as absent. */
export const moment = (description: string) =>
  textAs(parseTimestamp, 'an RFC 3339 timestamp with a time zone, such as 2026-01-31T09:00:00Z', {
    ...{ format: 'date-time', minLength: 0, description },
  });
export const future = (description: string) =>
  textAs(
    (text, now) => {
      const at = readTime(text, now);
      return at !== null && at > now ? at : null;
    },
    'an RFC 3339 timestamp in the future, or + and an ISO 8601 duration',
    { description },
  );
/** @param unit follows the word "number" in the message. */
export const numberFrom = (minimum: number, maximum: number, unit: string, description: string) =>
  Type.Read(
    { type: 'number', minimum, maximum, description },
    `must be a number${unit} from ${minimum} to ${maximum}`,
    (given) => (typeof given === 'number' && given >= minimum && given <= maximum ? given : null),
  );
/** A member that the reader of envelopes reads. */
export const kept = (schema: TSchema) => Type.Read({ ...schema }, '', (given) => given);
const strings = (description: string) => Type.Array(Type.String(), { description });
const spelling = (name: string) =>
  Type.Unknown({ deprecated: true, description: `Another spelling of \`${name}\`, which published clients send.` });

export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

type AllOptional<Properties extends TProperties> = { readonly [Name in keyof Properties]: TOptional<Properties[Name]> };

/** All of these members may be left out. */
export function optional<Properties extends TProperties>(properties: Properties): AllOptional<Properties> {
  const entries = Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)]);
  return Object.fromEntries(entries) as AllOptional<Properties>;
}

/** Members that the server manages. They may come back with a document that a client read before, and are ignored. */
function managed(names: readonly string[]): TProperties {
  const ignored = Type.Optional(Type.Unknown({ readOnly: true, description: 'Ignored: the server manages it.' }));
  return Object.fromEntries(names.map((name) => [name, ignored]));
}

export const retry = () =>
  Type.Object(
    optional({
      max_attempts: Type.Integer({ minimum: 0, description: 'Starts of the job at most, 3 by default.' }),
      maxAttempts: spelling('max_attempts'),
      initial_interval: duration('Delay before the first retry.'),
      initialInterval: spelling('initial_interval'),
      initial_interval_ms: spelling('initial_interval'),
      initialIntervalMs: spelling('initial_interval'),
      base_delay_ms: spelling('initial_interval'),
      baseDelayMs: spelling('initial_interval'),
      backoff_coefficient: Type.Number({ minimum: 1, description: 'Growth of the delay from one retry to the next.' }),
      backoffCoefficient: spelling('backoff_coefficient'),
      multiplier: spelling('backoff_coefficient'),
      max_interval: duration('The longest delay.'),
      maxInterval: spelling('max_interval'),
      max_interval_ms: spelling('max_interval'),
      maxIntervalMs: spelling('max_interval'),
      jitter: Type.Boolean({ description: 'Whether delays vary at random.' }),
      non_retryable_errors: strings('Error types that end the job, or prefixes such as `payment.*`.'),
      nonRetryableErrors: spelling('non_retryable_errors'),
      on_exhaustion: Type.Enum(['discard', 'dead_letter'], {
        description: 'Where the job goes after the last failure.',
      }),
      onExhaustion: spelling('on_exhaustion'),
      backoff_strategy: Type.Enum(['exponential', 'linear', 'polynomial', 'none', 'constant', 'fixed']),
      backoffStrategy: spelling('backoff_strategy'),
      backoff_type: spelling('backoff_strategy'),
      backoffType: spelling('backoff_strategy'),
      backoff: spelling('backoff_strategy'),
    }),
    { title: 'RetryPolicy' },
  );

const unique = () =>
  Type.Object(
    optional({
      keys: Type.Array(Type.Enum(['type', 'queue', 'args', 'meta']), { description: 'What makes two jobs the same.' }),
      key: spelling('keys'),
      period: duration('How long after its creation a job counts.'),
      within: spelling('period'),
      states: Type.Array(Type.Enum(Object.keys(State)), { description: 'States in which a job counts.' }),
      args_keys: strings('Members of the arguments that count.'),
      argsKeys: spelling('args_keys'),
      meta_keys: strings('Members of meta that count.'),
      metaKeys: spelling('meta_keys'),
      period_ms: spelling('period'),
      periodMs: spelling('period'),
      on_conflict: Type.Enum(['reject', 'replace', 'replace_except_schedule', 'ignore', 'use_existing']),
      onConflict: spelling('on_conflict'),
    }),
    { title: 'UniquePolicy' },
  );

export const rate = () =>
  Type.Object(
    optional({
      limit: Type.Integer({ minimum: 1, description: 'Starts in one period.' }),
      count: spelling('limit'),
      period: Type.String({ description: 'ISO 8601 duration, or `second`, `minute`, `hour`, `day`.' }),
    }),
  );

export const limitMembers = () => ({
  key: Type.String({ description: 'Jobs with this key share the limit; the queue by default.' }),
  concurrency: Type.Integer({ minimum: 0, description: 'Jobs that run at once.' }),
  rate: Type.Union([rate(), Type.Integer()], { description: 'Starts in a sliding period.' }),
  period: Type.String({ description: 'Of a `rate` that is a number.' }),
  throttle: rate(),
  max_per_second: Type.Number({ description: 'Starts per second.' }),
  on_limit: Type.Literal('wait'),
});

const limit = () => Type.Object(optional(limitMembers()), { title: 'LimitRequest' });

const policies = () => ({
  retry: retry(),
  unique: unique(),
  rate_limit: Type.Union([limit(), Type.Array(limit())], { description: 'Limits that the job counts under.' }),
});

const seconds = (description: string) => Type.Integer({ minimum: 0, description: `${description} In seconds.` });

/** Members in seconds that a job keeps as sent. */
export const keptSeconds = {
  total_timeout: 'From the enqueue to the end of the last attempt.',
  enqueue_ttl: 'The job is discarded if it has not started by then.',
  grace_period: 'Added to the timeout, for the end of the handler.',
  heartbeat_timeout: 'Longest silence of the worker.',
};

/** Members that a job and its options have. */
const either = () => ({
  meta: Type.Record(Type.Unknown(), { description: 'Data about the job, for people and tools.' }),
  queue: Type.String({ description: '`default` if it is left out.' }),
  priority: Type.Union([Type.Integer({ minimum: -100, maximum: 100 }), Type.Enum(['HIGH', 'NORMAL', 'LOW'])]),
  timeout: seconds('Longest run of one attempt.'),
  timeout_ms: Type.Integer({ minimum: 0, description: 'Longest run of one attempt, in ms.' }),
  scheduled_at: Type.String({
    description: 'Starts no earlier: RFC 3339 time, or a duration from now such as `+PT5M`.',
  }),
  delay_until: Type.String({ description: 'Another name of `scheduled_at`.' }),
  expires_at: Type.String({ description: 'Starts no later: RFC 3339 time, or a duration from now.' }),
  pending: Type.Boolean({ description: 'Whether the job waits until it is activated.' }),
  visibility_timeout: Type.Union([Type.Integer(), Type.String()], {
    description: 'Length of the lease: seconds, or an ISO 8601 duration.',
  }),
  visibility_timeout_ms: Type.Integer({ minimum: 1, description: 'Length of the lease in ms.' }),
  tags: strings('Words for people and tools.'),
  ...Object.fromEntries(Object.entries(keptSeconds).map(([name, description]) => [name, seconds(description)])),
  result_ttl: Type.Integer({ minimum: -1, description: 'How long the result is kept, in seconds; -1 for ever.' }),
  result_size_limit: Type.Integer({ minimum: 1, description: 'Bytes of the result at most.' }),
  ...policies(),
});

const optionsMembers = () => ({
  ...either(),
  metadata: Type.Record(Type.Unknown(), { description: 'Another name of `meta`.' }),
  version: Type.Unknown({ description: 'Version of the job.' }),
  retry_policy: retry(),
});

/** Members of extensions, and a user's own ones. */
const extensions = { '^(?:ext_|x[_:-])': Type.Unknown() };

const attributes = () => ({
  id: Type.String({ description: 'UUIDv7; the server creates one if it is left out.' }),
  specversion: Type.Literal('1.0'),
  schema: Type.String({ description: 'URI of the schema of the arguments.' }),
  options: Type.Object(optional(optionsMembers()), { title: 'JobOptions' }),
  ...either(),
  version: Type.Unknown({ description: 'Version of the job.' }),
  parent_id: Type.Unknown(),
  root_id: Type.Unknown(),
});

const type = () => Type.String({ description: 'Name of the handler, such as `email.send`.' });
const args = () => Type.Array(Type.Unknown(), { description: 'Arguments of the handler.' });

/** An enqueue request. */
export const job = () =>
  Type.Object(
    { type: type(), args: args(), ...optional(attributes()), ...managed(managedNames) },
    { patternProperties: extensions, title: 'JobRequest' },
  );

export const jobs = () => Type.Array(job(), { minItems: 1, maxItems: 10_000 });

/** A workflow in any dialect: an item of `steps` or `jobs` is a job or a workflow of its own. */
/** @param more members that only some requests have. */
export const workflow = (more: TProperties = {}) => {
  const step = Type.Object(
    optional({
      ...attributes(),
      type: type(),
      args: args(),
      id: Type.String({ description: 'Name of the step.' }),
      name: Type.String({ description: 'Name of the step.' }),
      depends_on: strings('Names of the steps that it waits for.'),
    }),
    { title: 'StepRequest', description: 'A job, or a nested workflow.' },
  );
  const callbacks = Object.fromEntries(callbackNames.map((name): [string, TSchema] => [name, job()]));
  return Type.Object(
    optional({
      ...more,
      id: Type.String({ description: 'UUIDv7; the server creates one if it is left out.' }),
      type: Type.Enum(['chain', 'group', 'batch', 'dag']),
      name: Type.String(),
      meta: Type.Record(Type.Unknown()),
      metadata: spelling('meta'),
      options: Type.Object(optional(optionsMembers()), { title: 'JobOptions' }),
      steps: Type.Array(step),
      jobs: Type.Array(step),
      callbacks: Type.Object(optional(callbacks), { description: 'Jobs that start when those of a batch have ended.' }),
    }),
  );
};

/** Members of a cron job that the server manages. */
const managedOfCron = `next_run_at last_run_at run_count created_at updated_at status id registered_enabled paused_at
  never_runs last_job_id last_job_state`.split(/\s+/);

/** A cron job: its template is in `job_template`, or in members beside its name. */
export const cronMembers = () => {
  const members: TProperties = { ...attributes(), type: type(), args: args() };
  const template = Object.fromEntries(Object.entries(members).filter(([name]) => cronJobNames.includes(name)));
  return {
    name: Type.String(),
    ...optional({
      cron: Type.String({ description: 'A cron expression, or `@daily` and the like.' }),
      expression: spelling('cron'),
      schedule: spelling('cron'),
      timezone: Type.String({ description: 'IANA time zone, `UTC` by default.' }),
      tz: spelling('timezone'),
      overlap_policy: Type.Enum(['skip', 'allow', 'cancel_previous', 'cancel', 'enqueue']),
      description: Type.String(),
      enabled: Type.Boolean(),
      ...template,
      job_template: job(),
      job: job(),
    }),
    ...managed(managedOfCron),
  };
};

/** The fields of a job that an edit or a rerun may change. The reader of envelopes reads them. */
export const changes = () => {
  const { meta, priority, retry, scheduled_at, delay_until, tags, timeout, timeout_ms } = either();
  return {
    ...{ args: kept(args()), meta: kept(meta), priority: kept(priority), scheduled_at: kept(scheduled_at) },
    ...{ delay_until: kept(delay_until), tags: kept(tags), timeout: kept(timeout), timeout_ms: kept(timeout_ms) },
    retry: kept(retry),
  };
};

const name = (description: string) => Type.String({ minLength: 0, maxLength: 1_000, description });

/** Members of every filter of jobs. As in a query, an empty text counts as absent. */
export const subjectMembers = () => ({
  queue: name('Only jobs of this queue.'),
  type: name('Only jobs of this type; `email.*` is a prefix.'),
  job_type: name('Another name of `type`, which published clients send.'),
  error_type: name('Type of the last error.'),
  fingerprint: checked(isFingerprint, 'the fingerprint of an error: 16 digits out of 0-9 and a-f', {
    ...{ minLength: 0, description: 'Fingerprint of the last error.' },
  }),
  args: name('A text in the arguments.'),
  since: moment('Created or ended at this time or later.'),
  until: moment('Created or ended before this time.'),
});

export const olderThanMember = () =>
  textAs(
    (text, now) => {
      const back = parseDuration(text);
      return back === null ? parseTimestamp(text) : now - back;
    },
    'an RFC 3339 timestamp, or an ISO 8601 duration such as P30D',
    { minLength: 0, description: 'Ended before: RFC 3339 time, or ISO 8601 duration back from now.' },
  );

export const stateWords = stateNames(AllStates);
const namesIn = (given: unknown): readonly unknown[] =>
  Array.isArray(given) ? given : typeof given === 'string' ? commaSeparated(given) : [null];
/** No state counts as absent. */
export const statesMember = () =>
  Type.Read<StateMask>(
    {
      ...Type.Union([Type.String(), Type.Array(Type.String())]),
      description: 'States, a list or separated by commas.',
    },
    (given) => {
      const wrong = String(namesIn(given).find((state) => !isState(state)));
      return `must name states out of ${stateWords.join(', ')}.${didYouMean(wrong, stateWords)}`;
    },
    (given) => {
      const names = namesIn(given);
      if (!names.every(isState)) return null;
      return names.reduce<StateMask>((mask, state) => mask | State[state], 0) || undefined;
    },
  );

export const statesMembers = () => ({ state: statesMember(), states: statesMember() });

export const confirmText = 'must be true: the operation changes every matching job';
export const confirmMember = () =>
  Type.Read({ enum: [true, 'true'], description: 'The call changes every job that matches.' }, confirmText, (given) =>
    given === true || given === 'true' ? true : null,
  );

/** Ids of jobs that one call changes. */
export const ids = () =>
  Type.Read<readonly string[]>(
    { ...Type.Array(Type.String()), description: 'Ids of jobs.' },
    (given) => `must be an array of at most ${Bulk.max} strings, but is ${kindOfValue(given)}`,
    (given) => {
      limitBatch(given);
      return Array.isArray(given) && given.every((id) => typeof id === 'string') ? given : null;
    },
  );

export const reportMembers = () => ({
  worker_id: Type.String({ description: 'Name of the worker that runs the job.' }),
  x_lease: Type.String({ description: 'The `x_lease` of the fetched job.' }),
  attempt: Type.Integer(),
});

export const progressMembers = () =>
  optional({
    progress: Type.Number({ description: 'From 0 to 1.' }),
    percentage: Type.Number({ description: 'From 0 to 100, in place of `progress`.' }),
    message: Type.String({ maxLength: 4_096 }),
    data: Type.Record(Type.Unknown()),
    checkpoint: Type.Unknown(),
    ...reportMembers(),
  });
