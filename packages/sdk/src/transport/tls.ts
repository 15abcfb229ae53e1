import { platform } from '#platform';
import { envFile } from '../environment.ts';
import { OJSValidationError } from '../errors.ts';
import { compact } from '../json.ts';

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

/** Each setting from code, else from the environment (SDK-007, SDK-009). @throws {OJSValidationError} for what cannot be heeded. */
export function readTls(options: TlsOptions | undefined, base: URL, ownFetch: boolean): TlsOptions | undefined {
  const heeded = base.protocol === 'https:' && !ownFetch && platform.hasTls;
  if (!heeded) {
    if (options === undefined) return undefined;
    const why = base.protocol !== 'https:' ? 'the URL is not https' : ownFetch ? 'fetch is given' : 'of this platform’s fetch';
    throw OJSValidationError.of('tls', `cannot be heeded: ${why}`);
  }
  const tls = compact({
    ca: options?.ca ?? envFile('OJS_TLS_CA_FILE'),
    cert: options?.cert ?? envFile('OJS_TLS_CERT_FILE'),
    key: options?.key ?? envFile('OJS_TLS_KEY_FILE'),
    rejectUnauthorized: options?.rejectUnauthorized,
  });
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? 'cert' : 'key';
    throw OJSValidationError.of(`tls.${missing}`, 'expected a certificate and its key, got one of them');
  }
  return Object.keys(tls).length === 0 ? undefined : tls;
}
