import type { IncomingHttpHeaders } from 'node:http';
import type { Quirk } from '../binding/request.ts';

/**
 * The version that the published Go SDK names. It reads plain names where the official cases have objects: the manifest's `extensions`, and `queue` in
 * the answers about one queue.
 */
const goVersion = '1.0.0-rc.1';
/** The published admin page is served under /ojs/admin: a browser says which page a request is of. One that hides it gets the answers of everybody. */
const adminPage = /^https?:\/\/[^/?#]+\/ojs\/admin(?:[/?#]|$)/;

/** What a client is known to need where the specification has it otherwise (docs/internals/deviations.md). */
export function quirkOf(headers: IncomingHttpHeaders, enabled: boolean): Quirk | null {
  if (!enabled) return null;
  if (headers['ojs-version'] === goVersion) return 'plain names';
  return headers.referer !== undefined && adminPage.test(headers.referer) ? 'active workflows' : null;
}
