import pg from 'pg';
import type { PostgresAddress } from './url.ts';

const int8 = 20;
/** The driver returns 64-bit integers as texts; all integers here are below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format)),
};

/**
 * Plans follow the indexes, whatever the statistics say: after a bulk change statistics are missing or stale, and a
 * plan that was made for an empty table would scan a full one. So one plan for each statement is enough.
 */
export const sessionSettings: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_material: 'off',
  jit: 'off',
  // A walk along an index of 10⁶ rows began two processes for 51 rows: 4 ms in place of 0.05.
  max_parallel_workers_per_gather: '0',
  plan_cache_mode: 'force_generic_plan',
  statement_timeout: '30000',
  // A process that is cut off in the middle of a transaction holds locks, and its next transaction may be the first
  // to wait for them: with 5 s other processes waited for 7 s. Milliseconds pass between two statements; a
  // process that is stopped for longer runs the transaction again (see isLost).
  idle_in_transaction_session_timeout: '2000',
};

/** Gives one transaction the settings, where a pooler shares the connections: one statement, which can be prepared. */
export const localSettings = `SELECT ${Object.entries(sessionSettings)
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ')}`;

/** @param target the number of the host. */
export function clientConfig(
  { targets, pooled, options: own, schema }: PostgresAddress,
  target: number,
): pg.ClientConfig {
  const options = [
    ...(own === null ? [] : [own]),
    ...Object.entries(sessionSettings).map(([name, value]) => `-c ${name}=${value}`),
  ];
  return {
    connectionString: targets[target] ?? '',
    types,
    pipeline: true,
    keepAlive: true,
    // By default a dead connection is noticed after two hours, and a listening connection sends nothing else.
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 5000,
    // A little later than the server’s own timeout.
    query_timeout: 40_000,
    // Shows an administrator whose connections these are.
    application_name: `ojs ${schema}`,
    ...(pooled ? (own === null ? {} : { options: own }) : { options: options.join(' ') }),
  };
}
