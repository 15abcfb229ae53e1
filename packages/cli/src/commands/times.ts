import { parseTimestamp, readDuration } from '@ojs-ts/core';
import { InvalidArgumentError } from 'commander';

/** A timestamp, or an age that counts back from now. */
export function past(text: string): string {
  return momentOf(text, -1);
}

/** A timestamp, or a duration that counts from now. */
export function ahead(text: string): string {
  return momentOf(text, 1);
}

/** The same, or `now`. */
export function nowOrAhead(text: string): string {
  return text === 'now' ? text : ahead(text);
}

function momentOf(text: string, direction: 1 | -1): string {
  const ms = readDuration(text);
  if (ms !== null) return new Date(Date.now() + direction * ms).toISOString();
  const at = parseTimestamp(text);
  if (at !== null) return new Date(at).toISOString();
  throw new InvalidArgumentError('Expected a time such as 2026-01-31T09:00:00Z, or a duration such as 90s, 2h or 7d.');
}
