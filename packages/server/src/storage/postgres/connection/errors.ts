import { StoreUnavailable } from '../../unavailable.ts';

/** SQLSTATE of an error that the server told; null for others. */
export function sqlState(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : null;
}

/**
 * The transaction was rolled back and may end well when it is run again. It lost against another one: a deadlock, a serialisation failure, or a row that
 * another one made first (the next attempt finds it). Or its process stood still in the middle of it, as a handler beside it makes it, until the server ended
 * the session; that it does only while it waits for a statement, so the end of the transaction had not come.
 */
export function isLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || state === '23505' || state === '25P03';
}

/**
 * Connection exceptions, resources (a full disk, too many connections), operator intervention (a shutdown, a statement cut short by its timeout), a lock not
 * had, a server that is read-only: a standby, or a primary that is being demoted.
 */
const unavailable = /^(08...|53...|57...|55P03|25006|40001|40P01|25P03)$/;
const noLayout = new Set(['42P01', '3F000', '42703', '42883']);

/** The same error in words that name the store, where the driver's own say less. */
export function explain(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  const state = sqlState(error);
  if (isPooled(error)) {
    return new Error(
      `PostgreSQL at ${name} is behind a pooler that takes no settings at its start (${error.message}); for PgBouncer add pgbouncer=true to the URL.`,
      { cause: error },
    );
  }
  if (state !== null && unavailable.test(state)) {
    return new StoreUnavailable(`PostgreSQL at ${name} cannot be used just now: ${error.message}.`, { cause: error });
  }
  if (state !== null && noLayout.has(state)) {
    return new Error(
      `PostgreSQL at ${name} does not have this layout: call the storage's migrate() first (${error.message}).`,
      {
        cause: error,
      },
    );
  }
  if (state === null && isOfConnection(error)) {
    return new StoreUnavailable(`PostgreSQL at ${name} cannot be reached: ${error.message || String(error)}.`, {
      cause: error,
    });
  }
  return error;
}

/** PgBouncer's refusal of a session with settings of its own; PostgreSQL itself has no such words. */
function isPooled(error: Error): boolean {
  return error.message.includes('unsupported startup parameter');
}

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** What Node says of a certificate that it does not trust, such as one that has expired, and of a handshake that fails. */
const tlsErrors = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|EPROTO)/;

/** The driver tells these without a code, or with that of the socket. */
function isOfConnection(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (socketErrors.has(code) || tlsErrors.test(code)) return true;
  return /connection|timeout|not queryable|socket/i.test(error.message);
}
