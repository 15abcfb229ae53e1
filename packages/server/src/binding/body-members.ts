import {
  changeNames,
  cronShape,
  isObject,
  limitShape,
  type OperationName,
  ProtocolError,
  readJson,
  retryShape,
  type Shape,
  shapeOf,
  type UnknownMember,
  unknownMembers,
  type Warning,
  warningOf,
} from '@ojs-ts/core';

/**
 * What to do about a member that a body should not have. ojs-json-format §14.3 requires that unknown members of its
 * documents are accepted: the answer warns of them. A request that changes the server, or many jobs, is refused,
 * because a misspelled setting would have no effect. `own` refuses members of the body itself, not of the job template
 * in it.
 */
export type Strictness = 'warn' | 'refuse' | 'own';

interface Body {
  readonly shape: Shape;
  readonly unknown: Strictness;
}

const subject = ['queue', 'type', 'job_type', 'error_type', 'fingerprint', 'args', 'since', 'until'];
const bulkFilter = shapeOf([...subject, 'state', 'states', 'enqueued_after', 'enqueued_before', 'priority', 'meta']);
const bulk = shapeOf(['job_ids', 'ids', 'atomicity', 'idempotency_key', 'confirm'], { filter: bulkFilter });
const operationFilter = { filter: { ...bulkFilter, members: new Map([...bulkFilter.members, ['older_than', null]]) } };
const letterFilter = [...subject, 'older_than'];
const letters = shapeOf([...letterFilter, 'ids', 'job_ids', 'confirm'], { filter: shapeOf(letterFilter) });

const rate = shapeOf(['limit', 'count', 'period']);
const settings = `max_size overflow_policy concurrency max_size_bytes visibility_timeout default_timeout default_retry
  dead_letter_queue dead_letter_max_size dead_letter_ttl allowed_job_types producers`.split(/\s+/);
const settingShapes = {
  backpressure: shapeOf(['max_depth', 'strategy', 'warning_threshold', 'max_size_bytes']),
  retention: shapeOf(['completed', 'discarded', 'cancelled']),
  rate_limit: rate,
};
const config = shapeOf(settings, settingShapes);
const schema = shapeOf(['type', 'job_type', 'version', 'schema', 'mode', 'uri', 'created_at'], {
  validation: shapeOf(['mode']),
});
const changes = changeNames.filter((name) => name !== 'retry');
const override = shapeOf(['args', 'meta', 'queue'], { retry: retryShape });

/** The bodies that are checked here; core checks those of PUSH and of workflows. */
export const bodies: Partial<Record<OperationName, Body>> = {
  'job.enqueueBatch': { shape: shapeOf(['jobs', 'return']), unknown: 'warn' },
  'job.rerun': { shape: shapeOf(['id', ...changes], { retry: retryShape }), unknown: 'refuse' },
  'job.edit': {
    shape: shapeOf(changes, { retry: retryShape, if_match: shapeOf(['state', 'attempt', 'priority']) }),
    unknown: 'refuse',
  },
  'job.results': { shape: shapeOf(['ids', 'job_ids', 'wait_ms']), unknown: 'warn' },
  'job.saveCheckpoint': {
    shape: shapeOf(['state', 'x_save', 'x_lease', 'worker_id', 'attempt', 'job_id']),
    unknown: 'warn',
  },
  'bulk.enqueue': { shape: shapeOf(['jobs', 'atomicity', 'return', 'x_merged', 'idempotency_key']), unknown: 'warn' },
  'bulk.cancel': { shape: bulk, unknown: 'refuse' },
  'bulk.retry': { shape: bulk, unknown: 'refuse' },
  'bulk.delete': { shape: bulk, unknown: 'refuse' },
  'bulk.start': {
    shape: shapeOf(['action', 'query', 'rate', 'dry_run', 'confirm'], {
      ...operationFilter,
      changes: shapeOf(changes, { retry: retryShape }),
    }),
    unknown: 'refuse',
  },
  'admin.cancelJobs': { shape: bulk, unknown: 'refuse' },
  'admin.retryJobs': { shape: bulk, unknown: 'refuse' },
  'admin.deleteJobs': { shape: bulk, unknown: 'refuse' },
  'admin.setMaintenance': { shape: shapeOf(['enabled', 'reason', 'estimated_duration']), unknown: 'refuse' },
  'worker.direct': { shape: shapeOf(['directive', 'worker_id', 'worker_ids']), unknown: 'refuse' },
  'queue.purge': { shape: shapeOf(['states', 'state', 'older_than', 'confirm']), unknown: 'refuse' },
  'queue.create': { shape: shapeOf(['name'], { config }), unknown: 'refuse' },
  // A client may send a configuration back as it was answered.
  'queue.configure': {
    shape: shapeOf([...settings, 'queue', 'name'], { ...settingShapes, config }),
    unknown: 'refuse',
  },
  'queue.limit': { shape: shapeOf(['concurrency'], { rate }), unknown: 'refuse' },
  'queue.delete': { shape: shapeOf(['strategy', 'target_queue']), unknown: 'refuse' },
  'limit.override': {
    shape: { ...limitShape, members: new Map([...limitShape.members, ['expires_at', null]]) },
    unknown: 'refuse',
  },
  'schema.register': { shape: schema, unknown: 'refuse' },
  'schema.put': { shape: schema, unknown: 'refuse' },
  'token.create': { shape: shapeOf(['name', 'roles', 'queues', 'redact', 'expires_at']), unknown: 'refuse' },
  'token.rotate': { shape: shapeOf(['grace']), unknown: 'refuse' },
  // Clients send their own body with every action.
  'deadLetter.retry': { shape: shapeOf([], { override }), unknown: 'warn' },
  'deadLetter.retryMany': { shape: letters, unknown: 'refuse' },
  'deadLetter.purge': { shape: letters, unknown: 'refuse' },
  'cron.register': { shape: cronShape, unknown: 'warn' },
  'cron.update': { shape: cronShape, unknown: 'own' },
  'cron.preview': {
    shape: shapeOf(['expression', 'cron', 'schedule', 'timezone', 'count', 'from']),
    unknown: 'refuse',
  },
};

const none: readonly Warning[] = [];

export interface CheckedBody {
  readonly warnings: readonly Warning[];
  /** The parsed body, so that the operation need not parse it again; undefined where it was not checked. */
  readonly value?: unknown;
}

const unchecked: CheckedBody = { warnings: none };

/**
 * Finds members that the operation does not have. A body that is no JSON object is left to the operation.
 * @throws ProtocolError `invalid_request` for members that are refused.
 */
export function checkBody(operation: OperationName, text: string | undefined): CheckedBody {
  const body = bodies[operation];
  if (body === undefined || text === undefined || text === '') return unchecked;
  const value = parsed(text);
  if (!isObject(value)) return unchecked;
  const found = unknownMembers(value, body.shape, '$');
  const isRefused = ({ shape }: UnknownMember) =>
    body.unknown === 'refuse' || (body.unknown === 'own' && shape === body.shape);
  const refused = found.filter(isRefused);
  if (refused.length > 0)
    throw ProtocolError.invalid(refused.map((member) => warningOf(member, 'nothing was changed')));
  return { warnings: found.length === 0 ? none : found.map((member) => warningOf(member)), value };
}

function parsed(text: string): unknown {
  try {
    return readJson(text, 'The request body');
  } catch {
    return undefined;
  }
}
