import { join } from 'node:path';
import { findProgram, type Instance, installPackage, startInstance } from './instance.ts';
import { pingPostgres } from './postgres.ts';

const program = 'pgbouncer';

/**
 * The machine's PgBouncer, or the one that the distribution has; null where there is none. A CI run without one fails.
 */
export async function findPgbouncer(): Promise<string | null> {
  const find = () => findProgram(program, ['/usr/sbin']);
  const directory = find() ?? ((await installPackage(program)) ? find() : null);
  if (directory !== null) return join(directory, program);
  const missing = 'PgBouncer is not on this machine; install it (Debian: apt-get install pgbouncer)';
  if (process.env.CI) throw new Error(missing);
  console.warn(`The tests on PgBouncer are skipped: ${missing}.`);
  return null;
}

/**
 * A PgBouncer in transaction mode in front of a server that trusts everybody; with fewer connections to it than a
 * storage opens, so that they are shared.
 * @param settings lines of its file besides.
 */
export function startPgbouncer(binary: string, server: string, settings: readonly string[] = []): Promise<Instance> {
  const { hostname, port: behind, username, pathname } = new URL(server);
  return startInstance({
    name: program,
    user: 'postgres',
    prepare: () => `cat >pgbouncer.ini <<END
[databases]
* = host=${hostname} port=${behind} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
${settings.join('\n')}
END`,
    command: (directory, port) => [
      '/bin/sh',
      '-c',
      `echo "listen_port = ${port}" >>pgbouncer.ini; exec '${binary}' '${directory}/pgbouncer.ini'`,
    ],
    stop: 'QUIT',
    url: (port) => `postgres://${username}@127.0.0.1:${port}${pathname}`,
    ping: pingPostgres,
  });
}
