import { formatDuration, ProtocolError, type ValidationIssue } from '@ojs-ts/core';
import { type Limit, queueLimitKey, type Rate } from '@ojs-ts/core/job';
import { readLimits } from '@ojs-ts/core/lifecycle';
import type { BodyOf } from '@ojs-ts/core/schemas';
import type { Retention } from '../../engine/options.ts';
import { defaultWarningThreshold, type QueueChange, type QueueConfig } from '../../engine/queues/queue-settings.ts';

type Settings = NonNullable<BodyOf<'queue.create'>['config']>;

/**
 * The configuration of a queue in a request. An absent member keeps its value, null deletes it, and 0 bounds nothing
 * (ojs-backpressure §6.2).
 * @throws ProtocolError `unsupported` for a setting that this server cannot apply.
 */
export function readQueueChange(settings: Settings, queue: string, retention: Retention): QueueChange {
  checkRetention(settings.retention ?? {}, retention);
  const { backpressure, max_size: size, overflow_policy: policy, concurrency, rate_limit: rate = null } = settings;
  const { max_depth: depth, strategy = policy, warning_threshold: warningThreshold } = backpressure ?? {};
  const bound = depth ?? size;
  const isUnbound = bound === 0 || [depth, size, backpressure].includes(null);
  const limit = readQueueLimit({ concurrency: concurrency ?? null, rate }, 'rate_limit', queue);
  return {
    ...(bound ? { maxDepth: bound } : isUnbound && { maxDepth: null }),
    ...(strategy && { strategy }),
    ...(warningThreshold !== undefined && { warningThreshold }),
    ...(concurrency !== undefined && { concurrency: limit?.concurrency ?? null }),
    ...(settings.rate_limit !== undefined && { rate: limit?.rates[0] ?? null }),
  };
}

/**
 * The limit of a whole queue; null without a number.
 * @param name of the member that has the rate.
 * @throws ProtocolError `invalid_request`
 */
export function readQueueLimit(
  { concurrency = null, rate = null }: BodyOf<'queue.limit'>,
  name: 'rate' | 'rate_limit',
  queue: string,
): Limit | null {
  if (concurrency === null && rate === null) return null;
  const issues: ValidationIssue[] = [];
  const [limit] = readLimits({ key: queueLimitKey(queue), concurrency, rate }, '', queue, issues, 0);
  const wrong = issues.map(({ path, message }) => ({ path: `$${path.replace('rate', name)}`, message }));
  if (wrong.length > 0) throw ProtocolError.invalid(wrong);
  return limit ?? null;
}

export function renderConfig(config: QueueConfig, retention: Retention): object {
  const { maxDepth, strategy = 'reject', warningThreshold = defaultWarningThreshold, concurrency, rate } = config;
  return {
    max_size: maxDepth ?? null,
    overflow_policy: strategy,
    backpressure: { max_depth: maxDepth ?? null, strategy, warning_threshold: warningThreshold },
    concurrency: concurrency ?? null,
    rate_limit: rate === undefined ? null : renderRate(rate),
    retention: renderRetention(retention),
  };
}

export function renderRate({ count, perMs }: Rate): { readonly limit: number; readonly period: string } {
  return { limit: count, period: formatDuration(perMs) };
}

function renderRetention({ completedMs, discardedMs, cancelledMs }: Retention): Readonly<Record<string, string>> {
  return {
    completed: formatDuration(completedMs),
    discarded: formatDuration(discardedMs),
    cancelled: formatDuration(cancelledMs),
  };
}

/**
 * A client may send back the value that the server applies anyway.
 * @throws ProtocolError `unsupported`
 */
function checkRetention(asked: NonNullable<Settings['retention']>, retention: Retention): void {
  for (const name of ['completed', 'discarded', 'cancelled'] as const) {
    const ms = retention[`${name}Ms`];
    if (asked[name] === undefined || asked[name] === ms) continue;
    const message = `$.retention.${name}: retention is the server's for all queues, ${formatDuration(ms)}; nothing was changed.`;
    throw new ProtocolError('unsupported', message, { field: `retention.${name}` });
  }
}
