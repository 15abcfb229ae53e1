import { ProtocolError, type ValidationIssue } from '../../errors.ts';
import { type Limit, queueLimitKey, type Rate } from '../../job/job.ts';
import { isObject } from '../../json/json.ts';
import { isDotSegment } from '../../names.ts';
import { parseDuration } from '../../time/duration.ts';

/** The most limits of one job. */
const maxLimits = 8;
const maxCount = 1_000_000;
/** The longest window: a limit key remembers its starts this long. */
const maxPeriodMs = 86_400_000;
const units: Readonly<Record<string, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** Members of a limit, and of its `rate` and `throttle`. */
export const limitNames = ['key', 'concurrency', 'rate', 'period', 'throttle', 'max_per_second', 'on_limit'] as const;
export const windowNames = ['limit', 'count', 'period'] as const;
/** Keys of the server's own limits. A client may name only the one of its job's queue. */
const reserved = /^(?:queue|cron):/;

/**
 * Reads `rate_limit` (ojs-rate-limiting §3) in its three forms, one or an array of them: `{key, concurrency, rate:
 * {limit, period}, throttle}`, the same with `rate` as a number and `period` as a word, and `{max_per_second}`. Without
 * a key the limit is that of the queue. A key without numbers makes the job count under the existing numbers.
 * @param least the lowest concurrency: 0 stops everything under a key, which only operators may do.
 * @throws ProtocolError `unsupported` for an `on_limit` other than `wait`: a job that a limit holds back waits.
 */
export function readLimits(
  value: unknown,
  path: string,
  queue: string,
  issues: ValidationIssue[],
  least: 0 | 1 = 1,
): readonly Limit[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > maxLimits) {
    issues.push({ path, message: `rate_limit must have at most ${maxLimits} limits` });
    return [];
  }
  const limits = new Map<string, Limit>();
  list.forEach((one: unknown, index) => {
    const limit = new Reader(one, Array.isArray(value) ? `${path}[${index}]` : path, issues, least).read(queue);
    if (limit === null) return;
    if (limits.has(limit.key)) issues.push({ path, message: `rate_limit names the key ${limit.key} twice` });
    limits.set(limit.key, limit);
  });
  return [...limits.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

class Reader {
  readonly #value: unknown;
  readonly #path: string;
  readonly #issues: ValidationIssue[];
  readonly #least: 0 | 1;

  constructor(value: unknown, path: string, issues: ValidationIssue[], least: 0 | 1) {
    this.#value = value;
    this.#path = path;
    this.#issues = issues;
    this.#least = least;
  }

  read(queue: string): Limit | null {
    const value = this.#value;
    if (!isObject(value)) return this.#wrong('', 'must be an object');
    const own = queueLimitKey(queue);
    const key = value.key ?? own;
    if (typeof key !== 'string' || key === '' || key.length > 255 || /\p{Cc}/u.test(key) || !key.isWellFormed())
      return this.#wrong(
        '.key',
        `key must be a text of 1 to 255 characters without control ` +
          `characters, got ${JSON.stringify(key).slice(0, 100)}`,
      );
    if (isDotSegment(key)) return this.#wrong('.key', `key must not be . or .., which mean another path, got ${key}`);
    if (reserved.test(key) && key !== own)
      return this.#wrong(
        '.key',
        `key must not begin with queue: or cron:, but for the job's own queue, ${own}; got ${key}`,
      );
    if ((value.on_limit ?? 'wait') !== 'wait') {
      throw new ProtocolError(
        'unsupported',
        `${this.#path}.on_limit: only "wait" is supported; a limited job waits in its queue.`,
        {
          field: 'on_limit',
        },
      );
    }
    const concurrency = value.concurrency ?? null;
    if (concurrency !== null && !isCount(concurrency, this.#least))
      return this.#wrong('.concurrency', `concurrency must be a whole number from ${this.#least} to ${maxCount}`);
    const rates = [
      this.#rate(value),
      this.#throttle(value.throttle ?? null),
      this.#perSecond(value.max_per_second ?? null),
    ];
    return { key, concurrency, rates: rates.filter((rate) => rate !== null) };
  }

  #rate(value: Readonly<Record<string, unknown>>): Rate | null {
    const rate = value.rate ?? null;
    if (rate === null) return null;
    if (isObject(rate)) return this.#window(rate, '.rate');
    return this.#window({ limit: rate, period: value.period ?? 'second' }, '');
  }

  /** `limit` starts a period, evenly spaced. */
  #throttle(value: unknown): Rate | null {
    if (value === null) return null;
    if (!isObject(value)) return this.#wrong('.throttle', 'throttle must be an object with limit and period');
    const window = this.#window(value, '.throttle');
    return window && { count: 1, perMs: Math.max(1, Math.ceil(window.perMs / window.count)) };
  }

  #perSecond(value: unknown): Rate | null {
    if (value === null) return null;
    if (typeof value !== 'number' || !(value > 0) || value > maxCount)
      return this.#wrong('.max_per_second', `max_per_second must be a number above 0, at most ${maxCount}`);
    // Less than one a second is one in a longer window.
    return value < 1
      ? { count: 1, perMs: Math.min(maxPeriodMs, Math.ceil(1_000 / value)) }
      : { count: Math.floor(value), perMs: 1_000 };
  }

  #window(value: Readonly<Record<string, unknown>>, at: string): Rate | null {
    const count = value.limit ?? value.count;
    if (!isCount(count, 1))
      return this.#wrong(`${at}.limit`, `the limit of a rate must be a whole number from 1 to ${maxCount}`);
    const perMs = readPeriod(value.period);
    if (perMs === null)
      return this.#wrong(
        `${at}.period`,
        'the period of a rate must be an ISO 8601 duration up to P1D, or second, minute, hour or day',
      );
    return { count, perMs };
  }

  #wrong(at: string, message: string): null {
    this.#issues.push({ path: `${this.#path}${at}`, message });
    return null;
  }
}

function readPeriod(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const ms = Object.hasOwn(units, value) ? units[value] : parseDuration(value);
  return typeof ms === 'number' && ms > 0 && ms <= maxPeriodMs ? ms : null;
}

function isCount(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= maxCount;
}
