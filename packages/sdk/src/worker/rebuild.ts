import { platform } from '#platform';
import type { Connection } from '../connection/connection.ts';

/** From now on calls go over new connections, those under way end on the old ones. False for a transport that was given: it is its owner's. */
export function rebuild(connection: Connection): boolean {
  if (connection.http === null || connection.closing.aborted) return false;
  const old = connection.transport;
  connection.transport = platform.httpTransport(connection.http);
  old[Symbol.asyncDispose]().then(undefined, (error: unknown) => {
    connection.logger.debug('old connections did not close', { error: String(error) });
  });
  return true;
}
