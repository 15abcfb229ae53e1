import { integer, text } from '../cells.ts';
import { bytesText, changedLayout, type StoreFinding } from '../diagnosis.ts';
import type { Database } from './connection/database.ts';
import { isOwnLayout, indexes as ownIndexes } from './connection/migrate.ts';

/** The age at which a snapshot is reported, in milliseconds. It keeps dead rows, and claims walk over them. */
const oldMs = 300_000;
/** How long the report says that another server has taken over, in milliseconds. */
const movedMs = 3_600_000;
const manyDead = 100_000;
const mostConnections = 0.9;

const settings = `SELECT current_setting('fsync'), current_setting('full_page_writes'),
  current_setting('synchronous_commit'),
  current_setting('autovacuum'), current_setting('max_connections')::int,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int`;
const snapshots = `SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), state,
    (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint FROM pg_stat_activity
  WHERE xact_start < clock_timestamp() - $1::bigint * interval '1 millisecond' AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND datname = current_database() ORDER BY xact_start LIMIT 5`;
const prepared = `SELECT gid, (extract(epoch FROM clock_timestamp() - prepared) * 1000)::bigint FROM pg_prepared_xacts
  WHERE prepared < clock_timestamp() - $1::bigint * interval '1 millisecond' AND database = current_database()
  ORDER BY prepared LIMIT 5`;
const dead = `SELECT relname, n_dead_tup, n_live_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables
  WHERE schemaname = $1 AND n_dead_tup > $2 AND n_dead_tup > 4 * n_live_tup ORDER BY n_dead_tup DESC LIMIT 5`;
const slots = 'SELECT slot_name FROM pg_replication_slots WHERE NOT active';
const indexes = `SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace($1)) AND indisvalid`;

/**
 * Lists problems of the database that an operator should know.
 * @param old the age in milliseconds at which an open transaction is a problem.
 */
export async function diagnose(database: Database, old = oldMs): Promise<readonly StoreFinding[]> {
  const { schema } = database.address;
  const [of, held, waiting, rows, idle, valid, isOwn] = await Promise.all([
    database.query(settings),
    database.query(snapshots, [old]),
    database.query(prepared, [old]),
    database.query(dead, [schema, manyDead]),
    database.query(slots),
    database.query(indexes, [`"${schema}"`]),
    isOwnLayout(database),
  ]);
  const known = new Set(valid.map(([name]) => text(name)));
  return [
    ...moved(database),
    ...(isOwn ? [] : [changedLayout(`the schema ${schema}`, 'schema')]),
    ...(of[0] === undefined ? [] : settingsFound(of[0].map(String))),
    ...held.map(([pid, user, name, state, ms]) =>
      snapshotHeld(
        `the session ${integer(pid)} (${text(user)}, ${text(name)}, ${text(state)})`,
        integer(ms),
        `SELECT pg_terminate_backend(${integer(pid)})`,
      ),
    ),
    ...waiting.map(([gid, ms]) =>
      snapshotHeld(
        `the prepared transaction ${text(gid)}`,
        integer(ms),
        `COMMIT PREPARED or ROLLBACK PREPARED '${text(gid)}'`,
      ),
    ),
    ...rows.map(
      ([name, gone, alive, bytes]): StoreFinding => ({
        code: 'dead_rows',
        severity: 'warning',
        message:
          `The table ${text(name)} has ${integer(gone)} dead rows and ${integer(alive)} live ones, ` +
          `${bytesText(integer(bytes))} in all.`,
        remedy:
          `VACUUM ${schema}.${text(name)}; if the rows come back, look for an old open transaction, or for a setting ` +
          'that slows autovacuum down.',
      }),
    ),
    ...idle.map(
      ([name]): StoreFinding => ({
        code: 'idle_slot',
        severity: 'warning',
        message:
          `No replica reads the replication slot ${text(name)}: ` +
          'PostgreSQL keeps its log for this slot until the disk is full.',
        remedy: `Start the replica, or remove the slot: SELECT pg_drop_replication_slot('${text(name)}');`,
      }),
    ),
    ...[...ownIndexes(schema)]
      .filter(([name]) => !known.has(name))
      .map(
        ([name, statement]): StoreFinding => ({
          code: 'missing_index',
          severity: 'error',
          message: `The index ${schema}.${name} is missing or not valid, so its queries read whole tables.`,
          remedy: `DROP INDEX IF EXISTS ${schema}.${name}; ${statement};`,
        }),
      ),
  ];
}

function moved({ lastMove }: Database): readonly StoreFinding[] {
  if (lastMove === null || Date.now() - lastMove.at > movedMs) return [];
  const { from, to, at } = lastMove;
  return [
    {
      code: 'store_moved',
      severity: 'warning',
      message:
        `Since ${new Date(at).toISOString()} new connections reach ${to} instead of ${from}, ` +
        'so the server has moved there.',
      remedy:
        `Make sure that ${from} is stopped or fenced: jobs that it still accepts are lost. ` +
        'This finding disappears after an hour.',
    },
  ];
}

function snapshotHeld(who: string, ms: number, remedy: string): StoreFinding {
  return {
    code: 'held_snapshot',
    severity: ms > 12 * oldMs ? 'error' : 'warning',
    message:
      `For ${Math.round(ms / 60_000)} minutes ${who} has had a transaction open. PostgreSQL cannot remove rows that ` +
      'were deleted since, and every claim reads past them.',
    remedy: `End the transaction: ${remedy};`,
  };
}

function settingsFound([fsync, pages, commit, autovacuum, most, used]: readonly string[]): readonly StoreFinding[] {
  const findings: StoreFinding[] = [];
  for (const [name, value] of [
    ['fsync', fsync],
    ['full_page_writes', pages],
    ['synchronous_commit', commit],
  ] as const)
    if (value === 'off')
      findings.push({
        code: 'sync_off',
        severity: name === 'synchronous_commit' ? 'warning' : 'error',
        message:
          `${name} is off: a crash loses ` +
          `${name === 'synchronous_commit' ? 'the newest commits' : 'or damages the database'}.`,
        remedy: `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf();`,
      });
  if (autovacuum === 'off')
    findings.push({
      code: 'autovacuum_off',
      severity: 'error',
      message: 'autovacuum is off: tables grow, and queries are planned with old statistics.',
      remedy: 'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();',
    });
  if (Number(used) > Number(most) * mostConnections)
    findings.push({
      code: 'few_connections',
      severity: 'warning',
      message: `${used} of ${most} connections are in use; at the limit PostgreSQL refuses new ones.`,
      remedy:
        `ALTER SYSTEM SET max_connections = ${2 * Number(most)}; and restart PostgreSQL, or put PgBouncer in front of ` +
        'it and ?pgbouncer=true in the URL of the storage.',
    });
  return findings;
}
