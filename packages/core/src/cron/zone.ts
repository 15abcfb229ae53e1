import { ProtocolError } from '../errors.ts';

const maxLength = 64;
const ianaForm = /^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)+$/;

/**
 * Refuses everything but an IANA time zone name: offsets, abbreviations, unknown and misspelt names (ojs-cron §5.1,
 * CRON-13, CRON-14). `Intl` alone is not enough: it accepts EST and +05:00, and any case.
 *
 * @param at JSONPath of the name, for the message.
 * @throws ProtocolError `invalid_request`.
 */
export function checkZone(name: string, at = '$.timezone'): void {
  if (name === 'UTC') return;
  const problem = problemOf(name);
  if (problem !== null) {
    const quoted = name.length > maxLength ? `a text of ${name.length} characters` : JSON.stringify(name);
    throw ProtocolError.invalid([
      { path: at, message: `${quoted} is ${problem}; expected UTC or a name such as America/New_York` },
    ]);
  }
}

function problemOf(name: string): string | null {
  if (/^(?:UTC|GMT)?[+-][0-9:]+$/.test(name)) return 'a fixed offset, which knows no daylight saving time';
  if (!name.includes('/')) return 'no IANA name of an area and a place';
  const resolved = name.length > maxLength ? null : resolve(name);
  if (resolved === null || name.startsWith('SystemV/')) return 'no known time zone'; // SystemV is ICU's own, not IANA's
  if (resolved !== name && resolved.toLowerCase() === name.toLowerCase()) return `not the spelling of ${resolved}`;
  return ianaForm.test(name) ? null : 'not the spelling of an IANA name';
}

/** Intl's name of a zone, which for a link may be its target; null for an unknown zone. */
function resolve(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
