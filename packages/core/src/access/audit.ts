import type { OperationName } from '../operations.ts';

/** Operations whose calls are entries of the audit log, and the type of the entry (ojs-security §11.1). */
export const auditTypes: Partial<Record<OperationName, string>> = {
  'job.cancel': 'job.cancelled',
  'job.retry': 'job.retried',
  'job.discard': 'job.discarded',
  'job.purgeHistory': 'job.history_purged',
  'job.rerun': 'job.rerun',
  'job.edit': 'job.edited',
  'bulk.cancel': 'job.bulk_cancelled',
  'bulk.retry': 'job.bulk_retried',
  'bulk.delete': 'job.bulk_deleted',
  'bulk.start': 'bulk_operation.started',
  'bulk.stop': 'bulk_operation.stopped',
  'bulk.resume': 'bulk_operation.resumed',
  'bulk.undo': 'bulk_operation.undone',
  'workflow.cancel': 'workflow.cancelled',
  'workflow.retry': 'workflow.retried',
  'workflow.rerun': 'workflow.rerun',
  'deadLetter.retry': 'dead_letter.retried',
  'deadLetter.retryMany': 'dead_letter.bulk_retried',
  'deadLetter.delete': 'dead_letter.deleted',
  'deadLetter.purge': 'dead_letter.purged',
  'admin.cancelJobs': 'job.bulk_cancelled',
  'admin.retryJobs': 'job.bulk_retried',
  'admin.deleteJobs': 'job.bulk_deleted',
  'worker.remove': 'worker.removed',
  'worker.quiet': 'worker.directed',
  'worker.resume': 'worker.directed',
  'worker.stop': 'worker.directed',
  'worker.direct': 'worker.directed',
  'admin.setMaintenance': 'maintenance.changed',
  'queue.purge': 'queue.purged',
  'queue.create': 'queue.created',
  'queue.delete': 'queue.deleted',
  'queue.configure': 'queue.configured',
  'queue.limit': 'queue.configured',
  'queue.pause': 'queue.paused',
  'queue.resume': 'queue.resumed',
  'limit.override': 'rate_limit.overridden',
  'limit.restore': 'rate_limit.restored',
  'schema.register': 'schema.registered',
  'schema.put': 'schema.registered',
  'schema.delete': 'schema.deleted',
  'schema.deleteVersion': 'schema.deleted',
  'cron.register': 'cron.registered',
  'cron.update': 'cron.changed',
  'cron.remove': 'cron.removed',
  'cron.trigger': 'cron.triggered',
  'cron.pause': 'cron.paused',
  'cron.resume': 'cron.resumed',
  'token.create': 'token.created',
  'token.rotate': 'token.rotated',
  'token.revoke': 'token.revoked',
};

/** Entries that are about no operation. */
export const accessEvents = {
  loggedIn: 'authentication.succeeded',
  loginFailed: 'authentication.failed',
  denied: 'authorization.denied',
} as const;

/** An entry as it is stored and told (ojs-security §11.2). */
export interface AuditEntry {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly event_type: string;
  /** Whose token it was; `anonymous` on a server without tokens, `embedded` for an engine in the process. */
  readonly principal: string;
  /** Null for an embedded engine. */
  readonly source_ip: string | null;
  readonly correlation_id: string;
  readonly outcome: 'success' | 'failure';
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Members of requests that may hold what only the job's owner should see. */
const secretMembers: ReadonlySet<string> = new Set(
  `args arguments args_part meta metadata payload data result results parent_results value error errors checkpoint
  last_checkpoint schema`.split(/\s+/),
);

/** A request as the audit log may have it: without arguments and results, whatever is around them. */
export function withoutPayload(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPayload);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretMembers.has(name) ? '[hidden]' : withoutPayload(member),
    ]),
  );
}
