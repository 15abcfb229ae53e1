import type { Answer } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import type { Operation } from '../connection/operation.ts';
import { OJSAPIError } from '../errors.ts';
import { listOf, parseWire, type Wire, wireOf } from '../json.ts';
import { read } from './row.ts';

export const serverRows = {
  /** The manifest of the server, verbatim. */
  manifest: () => read({ operation: 'system.manifest' }, (body): Record<string, unknown> => ({ ...body })),
  /** The health report of the server, verbatim, also with status 503 while the server is degraded. */
  health: () =>
    read({ operation: 'system.health' }, (body): Record<string, unknown> => ({ ...body }), {
      settings: { isAnswer: isReport },
    }),
};

/** A degraded server reports with status 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.status === 'string';
}

/** Differences between servers that no answer to a call shows. */
export interface ServerTraits {
  /**
   * The server takes nested workflows, `{type, steps | jobs, callbacks}` (ojs-workflows). Others take steps with
   * `depends_on` (ojs-http-binding §14).
   */
  readonly nestedWorkflows: boolean;
  /** Streams can carry all event types of ojs-events, beside the three of ojs-realtime. */
  readonly catalogueStreams: boolean;
  /** The server takes a delay as a duration, `+PT5S`, and counts it by its own clock. */
  readonly relativeTimes: boolean;
  /** The server records durable steps. */
  readonly steps: boolean;
  /** False if the manifest is missing because a proxy answered in place of the server. */
  readonly isSure: boolean;
}

const traitsByConnection = new WeakMap<Connection, Promise<ServerTraits>>();

/** The traits, read once a connection. */
export function serverTraits(connection: Connection): Promise<ServerTraits> {
  // The traits of a fake must not outlive the test.
  if (currentFake() !== null) return connection.ask(readTraits(), {});
  const before = traitsByConnection.get(connection);
  if (before !== undefined) return before;
  // The callers may have given up; a client that closes does not wait for it.
  const traits = connection.ask(readTraits(), { signal: connection.closing });
  traits.then(
    ({ isSure }) => isSure || traitsByConnection.delete(connection),
    () => traitsByConnection.delete(connection),
  );
  traitsByConnection.set(connection, traits);
  return traits;
}

/** Reads the traits from the manifest. A server without a manifest counts as one without our extensions. */
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
  const extensions = listOf(wireOf(manifest.extensions)?.experimental).map((one) => wireOf(one)?.uri);
  return {
    nestedWorkflows: typeof wireOf(manifest.limits)?.max_workflow_nesting === 'number',
    catalogueStreams: manifest.event_delivery === 'at_least_once',
    relativeTimes: extensions.includes('urn:ojs-ts:x-relative-times'),
    steps: extensions.includes('urn:ojs-ts:x-steps'),
    isSure,
  };
}
