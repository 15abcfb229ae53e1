import { didYouMean, nearestName, ProtocolError } from '@ojs-ts/core';
import type { Quirk } from '@ojs-ts/core/handlers';
import { maxWarnings, type Warning } from '@ojs-ts/core/job';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import type { Query } from '@ojs-ts/core/requests';
import { requests } from '@ojs-ts/core/schemas';

const events = ['types', 'queues', 'job_types'] as const;

/** Polyfills of EventSource, which set no header, send the second one. */
const lastEvent = ['last_event_id', 'lastEventId'] as const;

/** Streams, which are not in the table of operations. */
export const streamParameters = {
  events: ['event_types', ...events, ...lastEvent],
  channel: ['channel', 'event_types', ...events, ...lastEvent],
  state: [...lastEvent],
} as const satisfies Record<string, readonly string[]>;

/** The names that the operation reads, and those of published clients that are accepted without an effect. */
export function parametersOf(operation: OperationName): {
  readonly read: readonly string[];
  readonly tolerated: readonly string[];
} {
  const { query = {}, tolerated = [] } = requests[operation];
  return { read: Object.keys(query), tolerated };
}

const none: readonly Warning[] = [];

/**
 * Finds parameters that the operation does not have.
 * @returns warnings about those of published clients.
 * @throws ProtocolError `invalid_request` for all others.
 */
export function checkQuery(operation: OperationName, query: Query, quirk?: Quirk): readonly Warning[] {
  const names = namesOf(query);
  if (names.length === 0) return none;
  const { read, tolerated } = parametersOf(operation);
  // The event list reads them for the published admin page.
  const ofPage = quirk === 'admin page' && operation === 'event.list' ? tolerated : [];
  const { route } = operations[operation];
  const others = names.filter((name) => !read.includes(name) && !ofPage.includes(name));
  // Probes of load balancers add parameters of their own, and must not see a healthy server as down.
  const isProbed = operation === 'system.health' || operation === 'system.manifest';
  const refused = isProbed ? [] : others.filter((name) => !tolerated.includes(name));
  if (refused.length > 0) throw unknown(refused, read, route);
  return others.slice(0, maxWarnings).map((name) => ({
    path: `query.${name.slice(0, 255)}`,
    message: `${route} ignores this parameter; leave it out.`,
    suggestion: null,
  }));
}

/** The same for a stream. */
export function checkStreamQuery(accepted: readonly string[], query: Query): void {
  const refused = namesOf(query).filter((name) => !accepted.includes(name));
  if (refused.length > 0) throw unknown(refused, accepted, 'this stream');
}

function namesOf(query: Query): readonly string[] {
  return Object.keys(query).filter((name) => query[name] !== undefined);
}

function unknown(names: readonly string[], accepted: readonly string[], reader: string): ProtocolError {
  const takes = accepted.length === 0 ? 'takes no parameters' : `takes ${accepted.join(', ')}`;
  return ProtocolError.invalid(
    names.slice(0, maxWarnings).map((name) => ({
      path: `query.${name.slice(0, 255)}`,
      message: `unknown parameter; ${reader} ${takes}.${didYouMean(name, accepted)}`,
      suggestion: nearestName(name, accepted) ?? null,
    })),
  );
}
