import type { NamesOf } from '@ojs-ts/core';

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

export const tlsNames: NamesOf<TlsOptions> = { ca: true, cert: true, key: true, rejectUnauthorized: true };
