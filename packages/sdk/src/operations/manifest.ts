import type { Answer } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import type { Operation } from '../connection/operation.ts';
import { OJSAPIError } from '../errors.ts';
import { parseWire, type Wire, wireOf } from '../json.ts';

export function* manifest(): Operation<Record<string, unknown>> {
  return { ...(yield { call: { operation: 'system.manifest' } }) };
}

export function* health(): Operation<Record<string, unknown>> {
  return { ...(yield { call: { operation: 'system.health' }, settings: { isAnswer: isReport } }) };
}

/** A server that is degraded says so with 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.status === 'string';
}

/** What differs between servers in ways that a call cannot tell by its answer. */
export interface ServerTraits {
  /** Workflows may hold workflows: `{type, steps | jobs, callbacks}` (ojs-workflows). Others take steps with `depends_on` (ojs-http-binding §14). */
  readonly nestedWorkflows: boolean;
  /** Streams give the catalogue of ojs-events where it is asked for, beside the three kinds of ojs-realtime. */
  readonly catalogueStreams: boolean;
  /** False where it was no OJS server that has no manifest, but somebody on the way: a proxy, while the server behind it was away. */
  readonly isSure: boolean;
}

const known = new WeakMap<Connection, Promise<ServerTraits>>();

/** Asked once a connection. */
export function serverTraits(connection: Connection): Promise<ServerTraits> {
  // What a fake can do says nothing about the server after the test.
  if (currentFake() !== null) return connection.ask(readTraits(), {});
  const before = known.get(connection);
  if (before !== undefined) return before;
  const asked = connection.ask(readTraits(), {});
  asked.then(
    ({ isSure }) => isSure || known.delete(connection),
    () => known.delete(connection),
  );
  known.set(connection, asked);
  return asked;
}

/** Read from the manifest: a server that has none is taken for one without our extensions. */
export function* readTraits(): Operation<ServerTraits> {
  try {
    return traitsOf(yield { call: { operation: 'system.manifest' } });
  } catch (error) {
    if (error instanceof OJSAPIError && [404, 405, 501].includes(error.statusCode))
      return traitsOf({}, !error.error.foreign);
    throw error;
  }
}

function traitsOf(manifest: Wire, isSure = true): ServerTraits {
  return {
    nestedWorkflows: typeof wireOf(manifest.limits)?.max_workflow_nesting === 'number',
    catalogueStreams: manifest.event_delivery === 'at_least_once',
    isSure,
  };
}
