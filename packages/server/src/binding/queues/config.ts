import { formatDuration, ProtocolError, parseDuration, type ValidationIssue } from '@ojs-ts/core';
import { type Limit, queueLimitKey, type Rate } from '@ojs-ts/core/job';
import { readLimits } from '@ojs-ts/core/lifecycle';
import { type Body, Fields, unsupportedSettings } from '@ojs-ts/core/requests';
import type { Retention } from '../../engine/options.ts';
import { defaultWarningThreshold, type QueueChange, type QueueConfig } from '../../engine/queues/queue-settings.ts';

const maxDepth = 1_000_000_000;

/**
 * The configuration of a queue in a request: `{backpressure: {max_depth, strategy, warning_threshold}, max_size,
 * overflow_policy, concurrency, rate_limit: {limit, period}}`. An absent member keeps its value, null deletes it, and 0
 * bounds nothing (ojs-backpressure §6.2).
 * @param body of the request, or its `config`.
 * @throws ProtocolError `unsupported` for a setting that this server cannot apply.
 */
export function readQueueChange(body: Body, queue: string, retention: Retention): QueueChange {
  const fields = new Fields(body);
  for (const name of unsupportedSettings)
    if (fields.has(name)) throw refused(name, 'this server has no such setting for a queue');
  checkRetention(fields, retention);
  const pressure = fields.object('backpressure');
  if (pressure?.has('max_size_bytes'))
    throw refused('backpressure.max_size_bytes', 'queues are bounded by their number of jobs');
  // Both names are read before one wins, so a wrong value is refused under either name.
  const policy = fields.string('overflow_policy');
  const strategy = pressure?.string('strategy') ?? policy;
  if (strategy === 'block' || strategy === 'drop_oldest')
    throw refused(
      'strategy',
      `strategy ${strategy} is not supported, because this server never delays or drops jobs; expected reject or warn`,
    );
  if (strategy !== null && strategy !== 'reject' && strategy !== 'warn') {
    if (pressure?.has('strategy')) pressure.issue('strategy', 'must be reject or warn');
    else fields.issue('overflow_policy', 'must be reject or warn');
  }
  const threshold = pressure?.raw('warning_threshold');
  if (threshold !== undefined && !isFraction(threshold))
    pressure?.issue('warning_threshold', 'must be a number from 0 to 1');
  const size = fields.integer('max_size', 0, maxDepth);
  const bound = pressure?.integer('max_depth', 0, maxDepth) ?? size;
  const limit = readQueueLimit(body, 'rate_limit', queue, fields);
  fields.done();
  const givesBack = (part: Body, name: string) => Object.hasOwn(part, name) && part[name] === null;
  const bounds = pressure?.body ?? {};
  const unbound =
    bound === 0 || givesBack(bounds, 'max_depth') || givesBack(body, 'max_size') || givesBack(body, 'backpressure');
  return {
    ...(bound !== null && bound > 0 ? { maxDepth: bound } : unbound && { maxDepth: null }),
    ...((strategy === 'reject' || strategy === 'warn') && { strategy }),
    ...(isFraction(threshold) && { warningThreshold: threshold }),
    ...(limit?.concurrency != null
      ? { concurrency: limit.concurrency }
      : givesBack(body, 'concurrency') && { concurrency: null }),
    ...(limit?.rates[0] !== undefined ? { rate: limit.rates[0] } : givesBack(body, 'rate_limit') && { rate: null }),
  };
}

/** `concurrency`, and a rate under `name`, of a whole queue. Null without either. */
export function readQueueLimit(body: Body, name: 'rate' | 'rate_limit', queue: string, fields: Fields): Limit | null {
  const issues: ValidationIssue[] = [];
  const { concurrency = null, [name]: rate = null } = body;
  if (concurrency === null && rate === null) return null;
  const [limit] = readLimits({ key: queueLimitKey(queue), concurrency, rate }, '', queue, issues, 0);
  for (const { path, message } of issues) fields.issue(path.slice(1).replace('rate', name), message);
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

/** A client may send back the value that the server applies anyway. */
function checkRetention(fields: Fields, { completedMs, discardedMs, cancelledMs }: Retention): void {
  const retention = fields.object('retention');
  for (const [name, ms] of [
    ['completed', completedMs],
    ['discarded', discardedMs],
    ['cancelled', cancelledMs],
  ] as const) {
    const text = retention?.string(name) ?? null;
    if (text === null) continue;
    const asked = parseDuration(text);
    if (asked === null) retention?.issue(name, 'must be an ISO 8601 duration such as P7D');
    else if (asked !== ms)
      throw refused(`retention.${name}`, `retention is the server's for all queues, ${formatDuration(ms)}`);
  }
}

function isFraction(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function refused(field: string, why: string): ProtocolError {
  return new ProtocolError('unsupported', `$.${field}: ${why}; nothing was changed.`, { field });
}
