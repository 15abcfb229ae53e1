import {
  didYouMean,
  maxWarnings,
  nearestName,
  type OperationName,
  operations,
  ProtocolError,
  type Query,
  type Warning,
} from '@ojs-ts/core';
import type { Quirk } from './handler.ts';

const page = ['limit', 'offset', 'cursor', 'page', 'per_page'] as const;
const subject = ['queue', 'type', 'job_type', 'error_type', 'fingerprint', 'args', 'since', 'until'] as const;
const order = ['sort', 'order'] as const;
const events = ['types', 'queues', 'job_types'] as const;

/** The query parameters of each operation; an operation that is not here has none. */
const read: Partial<Record<OperationName, readonly string[]>> = {
  'system.metrics': ['format'],
  'job.list': [...page, ...subject, ...order, 'state', 'states', 'q'],
  'job.explain': ['step'],
  'job.history': ['limit', 'cursor'],
  'job.result': ['wait', 'timeout'],
  'job.deleteCheckpoint': ['worker_id', 'x_lease'],
  'bulk.list': page,
  'queue.list': page,
  'worker.list': page,
  'worker.remove': ['force'],
  'token.revoke': ['force'],
  'queue.purge': ['states', 'state', 'older_than', 'confirm'],
  'admin.queues': page,
  'admin.jobs': [...page, ...subject, ...order, 'state', 'states', 'q'],
  'admin.jobGroups': [...subject, 'state', 'states', 'q', 'by', 'limit', 'cursor'],
  'admin.deadLetters': [...page, ...subject, ...order, 'older_than', 'include'],
  'admin.errors': ['state', 'states', 'dead_letter', 'queue', 'type', 'limit'],
  'admin.history': ['period', 'since', 'until', 'queue', 'type'],
  'queue.delete': ['strategy'],
  'limit.list': [...page, 'key', 'sort'],
  'queue.configure': ['create'],
  'queue.limit': ['create'],
  'queue.pause': ['create'],
  'queue.resume': ['create'],
  'limit.override': ['create'],
  'schema.list': page,
  'deadLetter.list': [...page, ...subject, ...order, 'older_than', 'include'],
  'deadLetter.purge': [...subject, 'older_than', 'confirm'],
  'event.list': ['limit', 'after', 'cursor', 'order', 'type', 'queue', ...events],
  'workflow.list': [...page, 'state'],
  'token.list': page,
  'audit.list': ['id', 'limit', 'cursor', 'type', 'principal', 'about', 'since', 'until'],
  'cron.list': [...page, 'enabled'],
  'cron.runs': ['limit', 'per_page', 'from'],
};

/** Parameters of published clients without an effect: accepted with a warning (docs/internals/deviations.md). */
const tolerated: Partial<Record<OperationName, readonly string[]>> = {
  // ojs-admin-api §11.1 gives this list the parameters of the list of jobs.
  'deadLetter.list': ['state'],
  'admin.deadLetters': ['state'],
  'event.list': ['since', 'offset', 'page', 'per_page'],
};

/** Those of them that are read for the published admin page. */
const readForAdminPage: Partial<Record<OperationName, readonly string[]>> = {
  'event.list': ['since', 'offset', 'page', 'per_page'],
};

/** Probes of load balancers add parameters of their own, and must not see a healthy server as down. */
const probed: ReadonlySet<OperationName> = new Set(['system.health', 'system.manifest']);

/** Polyfills of EventSource, which set no header, send the second one. */
const lastEvent = ['last_event_id', 'lastEventId'] as const;

/** Streams, which are not in the table of operations. */
export const streamParameters = {
  events: ['event_types', ...events, ...lastEvent],
  channel: ['channel', 'event_types', ...events, ...lastEvent],
  state: [...lastEvent],
} as const satisfies Record<string, readonly string[]>;

export function parametersOf(operation: OperationName): {
  readonly read: readonly string[];
  readonly tolerated: readonly string[];
} {
  return { read: read[operation] ?? [], tolerated: tolerated[operation] ?? [] };
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
  const accepted = parametersOf(operation);
  const ofPage = (quirk === 'admin page' && readForAdminPage[operation]) || [];
  const { method, path } = operations[operation];
  const others = names.filter((name) => !accepted.read.includes(name) && !ofPage.includes(name));
  const isTaken = (name: string) => accepted.tolerated.includes(name) || probed.has(operation);
  const refused = others.filter((name) => !isTaken(name));
  if (refused.length > 0) throw unknown(refused, accepted.read, `${method} ${path}`);
  return others.slice(0, maxWarnings).map((name) => ({
    path: `query.${name.slice(0, 255)}`,
    message: `${method} ${path} does not read this parameter.`,
    suggestion: null,
  }));
}

/** The same for a stream. */
export function checkStreamQuery(accepted: readonly string[], query: Query): void {
  const refused = namesOf(query).filter((name) => !accepted.includes(name));
  if (refused.length > 0) throw unknown(refused, accepted, 'this stream');
}

/** `?force=true`, which does what the server would refuse. */
export function readForce({ force = 'false' }: Query): boolean {
  if (force === 'true' || force === 'false') return force === 'true';
  throw ProtocolError.invalid([
    { path: 'query.force', message: `must be true or false.${didYouMean(force, ['true', 'false'])}` },
  ]);
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
