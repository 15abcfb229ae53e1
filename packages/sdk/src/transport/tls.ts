import type { NamesOf } from '@ojs-ts/core';

/** TLS settings as PEM texts. Environment variables name files instead. */
export interface TlsOptions {
  /** Trusted certificates. Default: those of the platform. */
  ca?: string | undefined;
  /** The certificate of the client, if the server asks for one. */
  cert?: string | undefined;
  /** The key of `cert`. */
  key?: string | undefined;
  /** false accepts any certificate; for development only. Default: true. */
  rejectUnauthorized?: boolean | undefined;
}

export const tlsNames: NamesOf<TlsOptions> = { ca: true, cert: true, key: true, rejectUnauthorized: true };
