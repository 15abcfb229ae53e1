import { readFileSync } from 'node:fs';
import { OJSValidationError } from '../../errors.ts';
import { compact } from '../../json.ts';
import type { TlsOptions } from '../../transport/tls.ts';

/** The TLS settings of a connection to this URL. @throws {OJSValidationError} for settings that do not apply to it. */
export function tlsFor(options: TlsOptions | undefined, base: URL, ownFetch: boolean): TlsOptions | undefined {
  const isHttps = base.protocol === 'https:';
  if (isHttps && !ownFetch) return readTls(options);
  if (options === undefined) return undefined;
  throw OJSValidationError.of(
    'tls',
    isHttps ? 'cannot be combined with fetch; configure TLS in your fetch' : 'expected a URL that starts with https:',
  );
}

/** Each setting from code, else from the environment (SDK-007, SDK-009). @throws {OJSValidationError} */
function readTls(options: TlsOptions | undefined): TlsOptions | undefined {
  const tls = compact({
    ca: options?.ca ?? fileOf('OJS_TLS_CA_FILE'),
    cert: options?.cert ?? fileOf('OJS_TLS_CERT_FILE'),
    key: options?.key ?? fileOf('OJS_TLS_KEY_FILE'),
    rejectUnauthorized: options?.rejectUnauthorized,
  });
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? 'cert' : 'key';
    throw OJSValidationError.of(`tls.${missing}`, 'expected cert and key together, got only one of them');
  }
  return Object.keys(tls).length === 0 ? undefined : tls;
}

/** The text of the file that an environment variable names. */
function fileOf(name: string): string | undefined {
  const path = process.env[name];
  if (!path) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OJSValidationError(`${name}: cannot read ${JSON.stringify(path)}: ${why}`, {
      cause,
      issues: [{ path: name, message: `cannot be read: ${why}` }],
    });
  }
}
