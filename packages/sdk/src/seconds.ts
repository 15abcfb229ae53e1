import type { Duration } from './duration.ts';
import { consoleLogger, type Logger } from './logger.ts';

/** A time limit below a second is rare; `timeout: 30` from somebody who thinks in seconds is not. */
const rareMs = 999;
const told = new Set<string>();

/** Warns of a time limit that looks like seconds, once a process for each name. @param logger Default: the console. */
export function warnOfSeconds(value: Duration | undefined, name: string, logger?: Logger): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > rareMs || told.has(name)) return;
  told.add(name);
  (logger ?? consoleLogger()).warn(
    `${name}: ${value} is ${value} milliseconds. Write '${value}s' for seconds, or '${value}ms' where milliseconds are meant.`,
  );
}
