import type { IncomingHttpHeaders } from 'node:http';
import type { Quirk } from '@ojs-ts/core/handlers';
import { contentType } from './media.ts';

/**
 * The version that the published Go SDK sends. This SDK reads plain names where the official cases have objects: the
 * manifest's `extensions`, and `queue` in answers about one queue.
 */
const goVersion = '1.0.0-rc.1';
/**
 * The published admin page is served under /ojs/admin; the Referer of its requests says so. A browser that hides the
 * Referer gets the ordinary answers.
 */
const adminPage = /^https?:\/\/[^/?#]+\/ojs\/admin(?:[/?#]|$)/;

/** Deviations from the specification that a client needs (docs/internals/deviations.md). */
export function quirkOf(headers: IncomingHttpHeaders, enabled: boolean): Quirk | null {
  if (!enabled) return null;
  if (headers['ojs-version'] === goVersion) return 'plain names';
  return headers.referer !== undefined && adminPage.test(headers.referer) ? 'admin page' : null;
}

/** The same media type with a parameter that contains the text which the published Python SDK looks for. */
const forPython = `${contentType}; profile="application/json"`;

/**
 * The media type of an answer, without parameters, because clients compare it byte for byte. The published Python SDK
 * reads an answer as JSON only if its media type contains `application/json`; its user agent identifies it.
 */
export function mediaTypeFor(userAgent: string | undefined, quirks: boolean): string {
  return quirks && userAgent?.startsWith('python-httpx') ? forPython : contentType;
}
