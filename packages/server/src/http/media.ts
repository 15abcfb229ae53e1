import { ProtocolError } from '@ojs-ts/core';

/** Of every answer. */
export const contentType = 'application/openjobspec+json';

/** The same media type with a parameter that holds the words which the published Python SDK looks for (digest §14). */
const forPython = `${contentType}; profile="application/json"`;

/**
 * The media type of an answer: bare, as clients compare it byte for byte (digest §3). The published Python SDK takes an answer for JSON only where its
 * media type contains `application/json`; it is known by its user agent.
 */
export function mediaTypeFor(userAgent: string | undefined, quirks: boolean): string {
  return quirks && userAgent?.startsWith('python-httpx') ? forPython : contentType;
}

/** A foreign media type is 400 (ojs-http-binding §4), not 415. `curl -d` sends one unless it is told otherwise. */
export function foreignMedia(given?: string): ProtocolError {
  const got = given === undefined ? '' : `, got ${given.slice(0, 100)}`;
  const hint = "Send the header content-type: application/json, with curl: -H 'content-type: application/json'.";
  return new ProtocolError(
    'invalid_request',
    `Content-Type: expected application/json or ${contentType}${got}.`,
    {},
    hint,
  );
}
