import type { ValidationIssue } from '../errors.ts';
import type { BackoffStrategy, Json, RetryPolicy } from '../job/job.ts';
import { isObject, members, objectText } from '../json/json.ts';
import { formatDuration, maxDurationMs, parseDuration } from '../time/duration.ts';

/** ojs-retry §8. */
export const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  initialIntervalMs: 1000,
  backoffCoefficient: 2,
  maxIntervalMs: 300_000,
  jitter: true,
  nonRetryableErrors: [],
  onExhaustion: 'discard',
  backoffStrategy: 'exponential',
};

const strategies: ReadonlyMap<unknown, BackoffStrategy> = new Map<string, BackoffStrategy>([
  ['exponential', 'exponential'],
  ['linear', 'linear'],
  ['polynomial', 'polynomial'],
  ['none', 'none'],
  ['constant', 'none'],
  ['fixed', 'none'],
]);

/**
 * Other spellings of the wire fields that published clients send (docs/internals/deviations.md). The field itself wins,
 * then the first spelling in the list.
 */
const aliases = {
  max_attempts: ['maxAttempts'],
  initial_interval: ['initialInterval', 'initial_interval_ms', 'initialIntervalMs', 'base_delay_ms', 'baseDelayMs'],
  backoff_coefficient: ['backoffCoefficient', 'multiplier'],
  max_interval: ['maxInterval', 'max_interval_ms', 'maxIntervalMs'],
  jitter: [],
  non_retryable_errors: ['nonRetryableErrors'],
  on_exhaustion: ['onExhaustion'],
  backoff_strategy: ['backoffStrategy', 'backoff_type', 'backoffType', 'backoff'],
} as const satisfies Record<string, readonly string[]>;

type Field = keyof typeof aliases;
const spellings = (Object.keys(aliases) as Field[]).map((field) => [field, [field, ...aliases[field]]] as const);
const fieldOf: ReadonlyMap<string, Field> = new Map(
  spellings.flatMap(([field, names]) => names.map((name) => [name, field] as const)),
);

export const retryNames: readonly string[] = [...fieldOf.keys()];

type Draft = { -readonly [K in keyof RetryPolicy]?: RetryPolicy[K] };

const durationHint = `an ISO 8601 duration such as PT1S, greater than 0 and at most ${formatDuration(maxDurationMs)}`;

/**
 * Reads and checks a retry policy as parsed JSON (ojs-retry RET-01 to RET-20). The result has only the given fields;
 * unknown ones are ignored.
 * @param path of the policy in the document, for the issues.
 */
export function readRetry(
  value: unknown,
  path: string,
): { readonly policy: Partial<RetryPolicy> } | { readonly issues: readonly ValidationIssue[] } {
  if (!isObject(value)) return { issues: [{ path, message: 'retry must be an object' }] };
  const policy: Draft = {};
  const issues: ValidationIssue[] = [];
  for (const [field, names] of spellings) {
    const name = names.find((candidate) => Object.hasOwn(value, candidate) && value[candidate] !== null);
    if (name === undefined) continue;
    const message = setField(policy, field, name, value[name]);
    if (message !== null) issues.push({ path: `${path}.${name}`, message: `${name} ${message}` });
  }
  const { initialIntervalMs, maxIntervalMs } = policy;
  if (initialIntervalMs !== undefined && maxIntervalMs !== undefined && maxIntervalMs < initialIntervalMs) {
    const [max, initial] = [formatDuration(maxIntervalMs), formatDuration(initialIntervalMs)];
    issues.push({
      path: `${path}.max_interval`,
      message: `max_interval must not be shorter than initial_interval, got ${max} and ${initial}`,
    });
  }
  return issues.length > 0 ? { issues } : { policy };
}

/** Sets one field, or returns what was expected. */
function setField(policy: Draft, field: Field, name: string, value: unknown): string | null {
  switch (field) {
    case 'max_attempts':
      if (!isCount(value)) return 'must be a whole number from 0 to 2147483647';
      // 0 means no retry (ojs-retry §2.2), so the job runs once: "attempt 1 of 0" would confuse readers.
      policy.maxAttempts = Math.max(1, value);
      return null;
    case 'initial_interval':
    case 'max_interval': {
      const inMs = name.endsWith('_ms') || name.endsWith('Ms');
      const ms = inMs ? wholeMs(value) : typeof value === 'string' ? parseDuration(value) : null;
      if (ms === null || ms === 0)
        return inMs ? `must be a whole number of milliseconds from 1 to ${maxDurationMs}` : `must be ${durationHint}`;
      policy[field === 'initial_interval' ? 'initialIntervalMs' : 'maxIntervalMs'] = ms;
      return null;
    }
    case 'backoff_coefficient':
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 1)
        return 'must be a finite number of 1.0 or more';
      policy.backoffCoefficient = value;
      return null;
    case 'jitter':
      if (typeof value !== 'boolean') return 'must be true or false';
      policy.jitter = value;
      return null;
    case 'non_retryable_errors':
      if (!isNameList(value)) return 'must be a list of error types, each a string that is not empty';
      for (const name of value) {
        const problem = errorTypeProblem(name);
        if (problem !== null) return problem;
      }
      policy.nonRetryableErrors = value;
      return null;
    case 'on_exhaustion':
      if (value !== 'discard' && value !== 'dead_letter') return 'must be "discard" or "dead_letter"';
      policy.onExhaustion = value;
      return null;
    case 'backoff_strategy': {
      const strategy = strategies.get(value);
      if (strategy === undefined) return `must be one of ${[...strategies.keys()].join(', ')}`;
      policy.backoffStrategy = strategy;
      return null;
    }
  }
}

/** Returns null if an entry of `non_retryable_errors` can match, otherwise what was expected. */
export function errorTypeProblem(name: string): string | null {
  if (!(name.endsWith('.*') ? name === '.*' || name.slice(0, -2).includes('*') : name.includes('*'))) return null;
  const never = name === '*' ? '; to retry no error at all, set max_attempts to 1' : '';
  return (
    `has ${JSON.stringify(name)}, which would match nothing; ` +
    `expected an error type, or a prefix that ends with ".*", such as "payment.*"${never}`
  );
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 0 && value <= 0x7fff_ffff;
}

function wholeMs(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= maxDurationMs ? value : null;
}

function isNameList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

/**
 * The text of a valid policy with every alias under its documented name. Values stay as sent, except that milliseconds
 * become ISO 8601; unknown members stay. A policy in documented fields only is returned unchanged.
 */
export function retryText(text: Json): Json {
  const sent = members(text);
  let documented = true;
  for (const name of sent.keys()) documented &&= (fieldOf.get(name) ?? name) === name;
  if (documented) return text;
  const fields = new Map<string, Json>();
  for (const [field, names] of spellings) {
    const name = names.find((candidate) => (sent.get(candidate) ?? 'null') !== 'null');
    if (name === undefined) continue;
    const raw = sent.get(name) ?? 'null';
    fields.set(field, name.endsWith('_ms') || name.endsWith('Ms') ? `"${formatDuration(Number(raw))}"` : raw);
  }
  for (const [name, raw] of sent) if (!fieldOf.has(name)) fields.set(name, raw);
  return objectText(fields);
}

/**
 * Fills in the defaults field by field (ojs-retry RET-10). If only one of the two intervals is given and contradicts
 * the default of the other, the other one takes the same value.
 */
export function retryPolicy(partial: Partial<RetryPolicy> | undefined): RetryPolicy {
  if (partial === undefined) return defaultRetry;
  const policy = { ...defaultRetry, ...partial };
  if (policy.maxIntervalMs >= policy.initialIntervalMs) return policy;
  return partial.maxIntervalMs === undefined
    ? { ...policy, maxIntervalMs: policy.initialIntervalMs }
    : { ...policy, initialIntervalMs: policy.maxIntervalMs };
}

/**
 * Milliseconds to wait after execution number `failedAttempt` (1 and up) has failed: cap, jitter, cap again (ojs-retry
 * §5; RET-04, RET-05, RET-06).
 * @param random uniform in [0, 1).
 */
export function retryDelay(policy: RetryPolicy, failedAttempt: number, random: () => number): number {
  const max = policy.maxIntervalMs;
  const capped = Math.min(rawDelay(policy, failedAttempt), max);
  return Math.round(policy.jitter ? Math.min(capped * (0.5 + random()), max) : capped);
}

/** A power that overflows is Infinity, which the cap bounds. */
function rawDelay(
  { backoffStrategy, initialIntervalMs: initial, backoffCoefficient: coefficient }: RetryPolicy,
  attempt: number,
): number {
  switch (backoffStrategy) {
    case 'none':
      return initial;
    case 'linear':
      return initial * attempt;
    case 'exponential':
      return initial * coefficient ** (attempt - 1);
    case 'polynomial':
      return initial * attempt ** coefficient;
  }
}

/** Executions that the policy allows: 0 means the same as 1 (ojs-retry §2.2). */
export function allowedAttempts(policy: RetryPolicy): number {
  return Math.max(1, policy.maxAttempts);
}

/**
 * Reports whether one of the names of an error is listed: exactly, or by a `prefix.*` taken literally (ojs-retry §6.2,
 * RET-07, RET-18).
 */
export function isNonRetryable(policy: RetryPolicy, names: readonly string[]): boolean {
  return policy.nonRetryableErrors.some((pattern) =>
    pattern.endsWith('.*')
      ? names.some((name) => name.startsWith(pattern.slice(0, -1)) || name === pattern)
      : names.includes(pattern),
  );
}
