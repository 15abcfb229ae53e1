import pg from 'pg';
import { StoreUnavailable, StoreUnwritable, type WriteRefusal } from '../../unavailable.ts';

/** The SQLSTATE of an error from the server; null for others: codes of the system, such as EPIPE, look the same. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/**
 * Reports whether the transaction was rolled back and may succeed when it is run again. It lost against another one: a
 * deadlock, a serialization failure, or a row that the other one inserted first. Or its process was stopped, as a
 * blocking handler makes it, until the server ended the idle session. The server does so only while it waits for a
 * statement, so the transaction had not been committed.
 */
export function isLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || state === '23505' || state === '25P03';
}

/** Reports whether the server is a standby, or a primary that is being demoted. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === '25006';
}

/**
 * Connection exceptions; resources (a full disk, too many connections); operator intervention (a shutdown, a statement
 * timeout); a lock timeout; a read-only server: a standby, or a primary that is being demoted.
 */
const unavailable = /^(08...|53...|57...|55P03|25006|40001|40P01|25P03)$/;
/**
 * The refusal in those states and in 58030 (io_error): the server reads, but writes nothing. Class 53 but 53300, too
 * many connections.
 */
function refusalOf(state: string): WriteRefusal | null {
  if (state === '25006') return 'read_only';
  if (state === '58030') return 'io_error';
  return state.startsWith('53') && state !== '53300' ? 'full' : null;
}

const noLayout = new Set(['42P01', '3F000', '42703', '42883']);

/** Names the store in the error, where the driver’s own message does not. */
export function explain(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  const state = sqlState(error);
  if (isPooled(error)) {
    return new Error(
      `PostgreSQL at ${name} is behind a pooler that refuses session settings (${error.message}); ` +
        'for PgBouncer add pgbouncer=true to the URL.',
      { cause: error },
    );
  }
  const refusal = state === null ? null : refusalOf(state);
  if (refusal !== null)
    return new StoreUnwritable(refusal, `PostgreSQL at ${name} takes no writes: ${error.message}.`, { cause: error });
  if (state !== null && unavailable.test(state)) {
    return new StoreUnavailable(`PostgreSQL at ${name} is unavailable: ${error.message}.`, { cause: error });
  }
  if (state !== null && noLayout.has(state)) {
    return new Error(
      `PostgreSQL at ${name} does not have this layout: call the storage's migrate() first (${error.message}).`,
      {
        cause: error,
      },
    );
  }
  if (state === null && isConnectionError(error)) {
    return new StoreUnavailable(`PostgreSQL at ${name} cannot be reached: ${error.message || String(error)}.`, {
      cause: error,
    });
  }
  return error;
}

/** PgBouncer refuses a session with settings of its own; PostgreSQL itself has no such message. */
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

/** Codes of Node for a certificate that it does not trust, such as an expired one, and for a failed handshake. */
const tlsErrors = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|EPROTO)/;

/** The driver reports these errors without a code, or with that of the socket. */
function isConnectionError(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (socketErrors.has(code) || tlsErrors.test(code)) return true;
  return /connection|timeout|not queryable|socket/i.test(error.message);
}
