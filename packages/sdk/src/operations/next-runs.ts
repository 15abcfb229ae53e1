import { checkZone, nextRuns as firings, type NamesOf, ProtocolError, parseCron } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { timestamp } from '../job/wire.ts';
import { known } from '../options/known.ts';
import { integer } from '../options/values.ts';

/** Which firings. */
export interface NextRunsOptions {
  /** IANA name; default UTC. */
  timezone?: string | undefined;
  /** Firings after this time, from where `@every` counts too; default now. */
  from?: Date | string | undefined;
  /** At most so many; default 10, at most 1,000. */
  count?: number | undefined;
}

const names: NamesOf<NextRunsOptions> = { timezone: true, from: true, count: true };

const maxCount = 1_000;

/**
 * When a cron will fire, by the rules of the server and without asking one: `nextRuns('30 7 * * MON-FRI', { timezone: 'Europe/Berlin', count: 3 })`.
 * Fewer than `count` where there are no more.
 * @throws {OJSValidationError} for an expression, a zone or a time that is none.
 */
export function nextRuns(cron: string, options: NextRunsOptions = {}): Date[] {
  known(options, names);
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

/** What core refuses, in the words of core and as an error of this package. */
function refusedAs<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const message = error.message.startsWith(`${path}: `) ? error.message.slice(path.length + 2) : error.message;
    throw OJSValidationError.of(path, message);
  }
}
