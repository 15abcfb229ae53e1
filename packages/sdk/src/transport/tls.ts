import { platform } from '#platform';
import { OJSValidationError } from '../errors.ts';

/** PEM texts. The environment names files instead. */
export interface TlsOptions {
  /** Whom to trust, in place of the platform's own list. */
  ca?: string;
  /** Our own certificate, where the server asks for one. */
  cert?: string;
  /** Of `cert`. */
  key?: string;
  /** false trusts any server: for development only. Default true. */
  rejectUnauthorized?: boolean;
}

/** What holds for a connection to this URL; undefined for the platform's own. @throws {OJSValidationError} for settings that cannot be heeded. */
export function tlsFor(options: TlsOptions | undefined, base: URL, ownFetch: boolean): TlsOptions | undefined {
  const isHttps = base.protocol === 'https:';
  if (isHttps && !ownFetch && platform.readTls !== undefined) return platform.readTls(options);
  if (options === undefined) return undefined;
  const why = !isHttps ? 'the URL is not https' : ownFetch ? 'fetch is given' : 'of this platform’s fetch';
  throw OJSValidationError.of('tls', `cannot be heeded: ${why}`);
}
