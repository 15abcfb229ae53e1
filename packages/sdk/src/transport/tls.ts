import type { NamesOf } from '@ojs-ts/core';

/** PEM texts. The environment names files instead. */
export interface TlsOptions {
  /** Whom to trust, in place of the platform's own list. */
  ca?: string | undefined;
  /** Our own certificate, where the server asks for one. */
  cert?: string | undefined;
  /** Of `cert`. */
  key?: string | undefined;
  /** false trusts any server: for development only. Default true. */
  rejectUnauthorized?: boolean | undefined;
}

export const tlsNames: NamesOf<TlsOptions> = { ca: true, cert: true, key: true, rejectUnauthorized: true };
