import type { Connection } from './connection.ts';
import { OJSAPIError } from './errors.ts';
import { type Wire, wireOf } from './json.ts';

/** What differs between servers in ways that a call cannot tell by its answer. */
export interface ServerTraits {
  /** Workflows may hold workflows: `{type, steps | jobs, callbacks}` (ojs-workflows). Others take steps with `depends_on` (ojs-http-binding §14). */
  readonly nestedWorkflows: boolean;
  /** Streams give the catalogue of ojs-events where it is asked for, beside the three kinds of ojs-realtime. */
  readonly catalogueStreams: boolean;
}

const known = new WeakMap<Connection, Promise<ServerTraits>>();

/** Read from the manifest, once a connection: a server that has none is taken for one without our extensions. */
export function serverTraits(connection: Connection): Promise<ServerTraits> {
  const before = known.get(connection);
  if (before !== undefined) return before;
  const asked = connection.call({ operation: 'system.manifest' }, {}).then(traitsOf, (error: unknown) => {
    const isAbsent = error instanceof OJSAPIError && [404, 405, 501].includes(error.statusCode);
    // It may have been a proxy that answered, while the server behind it was away.
    if (!isAbsent || error.error.foreign) known.delete(connection);
    if (isAbsent) return traitsOf({});
    throw error;
  });
  known.set(connection, asked);
  return asked;
}

function traitsOf(manifest: Wire): ServerTraits {
  return {
    nestedWorkflows: typeof wireOf(manifest.limits)?.max_workflow_nesting === 'number',
    catalogueStreams: manifest.event_delivery === 'at_least_once',
  };
}
