import { contentType } from './faults.ts';

/** The same media type with a parameter that holds the words which the published Python SDK looks for (digest §14). */
const forPython = `${contentType}; profile="application/json"`;

/**
 * The media type of an answer: bare, as clients compare it byte for byte (digest §3). The published Python SDK takes an answer for JSON only where its
 * media type contains `application/json`; it is known by its user agent.
 */
export function mediaTypeFor(userAgent: string | undefined, quirks: boolean): string {
  return quirks && userAgent?.startsWith('python-httpx') ? forPython : contentType;
}
