import type { IncomingHttpHeaders } from 'node:http';
import type { Quirk } from '../binding/handler.ts';
import { contentType } from './media.ts';

/**
 * The version that the published Go SDK names. It reads plain names where the official cases have objects: the
 * manifest's `extensions`, and `queue` in the answers about one queue.
 */
const goVersion = '1.0.0-rc.1';
/**
 * The published admin page is served under /ojs/admin: a browser says which page a request is of. One that hides it
 * gets the answers of everybody.
 */
const adminPage = /^https?:\/\/[^/?#]+\/ojs\/admin(?:[/?#]|$)/;

/** What a client is known to need where the specification has it otherwise (docs/internals/deviations.md). */
export function quirkOf(headers: IncomingHttpHeaders, enabled: boolean): Quirk | null {
  if (!enabled) return null;
  if (headers['ojs-version'] === goVersion) return 'plain names';
  return headers.referer !== undefined && adminPage.test(headers.referer) ? 'active workflows' : null;
}

/** The same media type with a parameter that has the words which the published Python SDK looks for. */
const forPython = `${contentType}; profile="application/json"`;

/**
 * The media type of an answer, without parameters, because clients compare it byte for byte. The published Python SDK
 * takes an answer for JSON only where its media type contains `application/json`; it is known by its user agent.
 */
export function mediaTypeFor(userAgent: string | undefined, quirks: boolean): string {
  return quirks && userAgent?.startsWith('python-httpx') ? forPython : contentType;
}
