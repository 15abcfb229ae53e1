import { type NamesOf, ProtocolError } from '@ojs-ts/core';
import { checkZone, nextRuns as firings, parseCron } from '@ojs-ts/core/cron';
import { OJSValidationError } from '../errors.ts';
import { timestamp } from '../job/wire.ts';
import { checkNames } from '../options/check-names.ts';
import { integer } from '../options/values.ts';

/** Selects times of a cron expression. */
export interface NextRunsOptions {
  /** IANA time zone. Default: UTC. */
  timezone?: string | undefined;
  /** Times after this one; `@every` counts from it too. Default: now. */
  from?: Date | string | undefined;
  /** The number of times, at most 1,000. Default: 10. */
  count?: number | undefined;
}

const names: NamesOf<NextRunsOptions> = { timezone: true, from: true, count: true };

const maxCount = 1_000;

/**
 * The next times of a cron expression, computed here by the rules of the server: `nextRuns('30 7 * * MON-FRI', {
 * timezone: 'Europe/Berlin', count: 3 })`. The list is shorter than `count` if the expression has no more times.
 * @throws {OJSValidationError} for a wrong expression, time zone or time.
 */
export function nextRuns(cron: string, options: NextRunsOptions = {}): Date[] {
  checkNames(options, names);
  const { timezone = 'UTC', from = new Date(), count = 10 } = options;
  if (typeof cron !== 'string')
    throw OJSValidationError.of('cron', `expected an expression such as '0 9 * * *', got ${JSON.stringify(cron)}`);
  integer(count, 'count', 1);
  if (count > maxCount) throw OJSValidationError.of('count', `expected at most ${maxCount}, got ${count}`);
  const after = Date.parse(timestamp(from, 'from') ?? '');
  refusedAs('timezone', (path) => checkZone(timezone, path));
  const schedule = refusedAs('cron', (path) => parseCron(cron, path));
  return firings(schedule, timezone, after, count).map((at) => new Date(at));
}

/** The refusal of core as an error of this package. */
function refusedAs<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const message = error.message.startsWith(`${path}: `) ? error.message.slice(path.length + 2) : error.message;
    throw OJSValidationError.of(path, message);
  }
}
