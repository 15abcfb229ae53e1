import { readRetry, readUnique } from './job.ts';
import { booleanOf, compact, numberOf, objectOf, textsOf, type Wire } from './json.ts';
import { readLimits } from './limit.ts';
import type { JobOptions } from './options.ts';

const retryOf = objectOf(readRetry);
const uniqueOf = objectOf(readUnique);

/** Options as they were sent, by the names that they have here. Durations are ISO 8601 or milliseconds. */
export function readJobOptions(raw: Wire): JobOptions {
  const ttl = numberOf(raw.result_ttl);
  return compact({
    priority: numberOf(raw.priority),
    tags: textsOf(raw.tags),
    retry: retryOf(raw.retry),
    unique: uniqueOf(raw.unique),
    timeoutMs: numberOf(raw.timeout_ms) ?? milliseconds(raw.timeout),
    visibilityTimeoutMs: numberOf(raw.visibility_timeout_ms) ?? milliseconds(raw.visibility_timeout),
    limits: readLimits(raw.rate_limit),
    resultTtl: ttl === -1 ? ('forever' as const) : milliseconds(ttl),
    resultSizeLimit: numberOf(raw.result_size_limit),
    totalTimeout: milliseconds(raw.total_timeout),
    enqueueTtl: milliseconds(raw.enqueue_ttl),
    gracePeriod: milliseconds(raw.grace_period),
    heartbeatTimeout: milliseconds(raw.heartbeat_timeout),
    pending: booleanOf(raw.pending),
  });
}

/** Of what the wire has in seconds. */
function milliseconds(seconds: unknown): number | undefined {
  const count = numberOf(seconds);
  return count === undefined ? undefined : count * 1_000;
}
