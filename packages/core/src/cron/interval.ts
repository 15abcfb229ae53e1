import { maxDurationMs } from '../duration.ts';
import type { Refuse } from './fields.ts';

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** The duration of `@every` in milliseconds, written as in Go: `1h30m`, `1.5h` (ojs-cron §4.1). Less than a second becomes one (X42). */
export function readInterval(text: string, refuse: Refuse): number {
  if (!/^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/.test(text)) {
    refuse(
      null,
      `${JSON.stringify(text)} is no duration of @every; expected hours, minutes, seconds or milliseconds such as 1h30m, 45s`,
    );
  }
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/([0-9.]+)([a-z]+)/g))
    ms += Number(number) * (unitMs.get(unit ?? '') ?? Number.NaN);
  if (!(ms > 0 && ms <= maxDurationMs))
    refuse(null, `@every ${text} is out of range; expected more than 0 and at most 100 years`);
  return Math.max(1000, Math.round(ms));
}
