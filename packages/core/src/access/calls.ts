import type { OperationName } from '../operations.ts';
import type { Right } from './roles.ts';

/**
 * How a token for some queues is held to them.
 * - `none`: the call is about no queue.
 * - `every`: the call is about all queues, so only a token for all queues may make it.
 * - `path`, `job`, `cron`, `workflow`: the path names the queue, or what belongs to one.
 * - `step`: the path names a job or a workflow.
 * - `bulk`: the path names a bulk operation.
 * - `sent`: the body or the query names queues or jobs; the handler checks each of them.
 * - `shown`: the answer leaves out other queues.
 */
export type QueueCheck = 'none' | 'every' | 'path' | 'job' | 'cron' | 'workflow' | 'step' | 'bulk' | 'sent' | 'shown';

/** What a call needs; `open` needs no token. */
export interface Access {
  readonly right: Right | 'open';
  readonly queues: QueueCheck;
}

const access = (right: Access['right'], queues: QueueCheck): Access => ({ right, queues });

/** The rights of all operations: routes, tests and docs/access.md read this table. */
export const accessOf: Readonly<Record<OperationName, Access>> = {
  'system.manifest': access('open', 'none'),
  'system.health': access('open', 'none'),
  'system.metrics': access('read', 'every'),
  'job.enqueue': access('enqueue', 'sent'),
  'job.enqueueBatch': access('enqueue', 'sent'),
  'job.list': access('list', 'sent'),
  'job.get': access('inspect', 'job'),
  'job.cancel': access('cancel', 'job'),
  'job.retry': access('operate', 'job'),
  'job.discard': access('operate', 'job'),
  'job.rerun': access('operate', 'job'),
  'job.edit': access('operate', 'job'),
  'job.explain': access('inspect', 'step'),
  'job.history': access('inspect', 'job'),
  'job.purgeHistory': access('purge', 'job'),
  'job.activate': access('enqueue', 'job'),
  'job.progress': access('inspect', 'job'),
  'job.reportProgress': access('work', 'job'),
  'worker.progress': access('work', 'sent'),
  'job.result': access('inspect', 'job'),
  'job.results': access('inspect', 'sent'),
  'job.checkpoint': access('payload', 'job'),
  'job.saveCheckpoint': access('work', 'job'),
  'job.deleteCheckpoint': access('work', 'job'),
  'bulk.enqueue': access('enqueue', 'sent'),
  'bulk.cancel': access('operate', 'sent'),
  'bulk.retry': access('operate', 'sent'),
  'bulk.delete': access('purge', 'sent'),
  // An operation that deletes jobs also needs the right to purge.
  'bulk.start': access('operate', 'sent'),
  'bulk.list': access('list', 'shown'),
  'bulk.get': access('list', 'bulk'),
  'bulk.stop': access('operate', 'bulk'),
  'bulk.resume': access('operate', 'bulk'),
  'bulk.undo': access('operate', 'bulk'),
  'worker.fetch': access('work', 'sent'),
  'worker.ack': access('work', 'sent'),
  'worker.nack': access('work', 'sent'),
  'worker.heartbeat': access('work', 'sent'),
  'worker.exchange': access('work', 'sent'),
  'worker.register': access('work', 'sent'),
  'worker.deregister': access('work', 'sent'),
  'worker.remove': access('operate', 'every'),
  'worker.get': access('list', 'every'),
  'worker.quiet': access('operate', 'every'),
  'worker.resume': access('operate', 'every'),
  'worker.stop': access('operate', 'every'),
  'worker.direct': access('operate', 'every'),
  'worker.health': access('read', 'none'),
  'worker.list': access('list', 'every'),
  'queue.list': access('read', 'shown'),
  'queue.create': access('configure', 'sent'),
  'queue.get': access('read', 'path'),
  'queue.delete': access('configure', 'path'),
  'queue.config': access('read', 'path'),
  'queue.configure': access('configure', 'path'),
  'queue.limit': access('configure', 'path'),
  'queue.stats': access('read', 'path'),
  'queue.pause': access('operate', 'path'),
  'queue.resume': access('operate', 'path'),
  'queue.purge': access('purge', 'path'),
  'limit.list': access('read', 'every'),
  'limit.get': access('read', 'every'),
  'limit.override': access('configure', 'every'),
  'limit.restore': access('configure', 'every'),
  'schema.list': access('read', 'none'),
  'schema.register': access('configure', 'every'),
  'schema.get': access('read', 'none'),
  'schema.versions': access('read', 'none'),
  'schema.getVersion': access('read', 'none'),
  'schema.delete': access('configure', 'every'),
  'schema.deleteVersion': access('configure', 'every'),
  'schema.put': access('configure', 'every'),
  'schema.getFlat': access('read', 'none'),
  'schema.getVersionFlat': access('read', 'none'),
  'deadLetter.list': access('list', 'sent'),
  'deadLetter.stats': access('list', 'every'),
  'deadLetter.get': access('list', 'job'),
  'deadLetter.retryMany': access('operate', 'sent'),
  'deadLetter.purge': access('purge', 'sent'),
  'deadLetter.retry': access('operate', 'job'),
  'deadLetter.delete': access('purge', 'job'),
  'admin.queues': access('read', 'shown'),
  'admin.queue': access('read', 'path'),
  'admin.jobs': access('list', 'sent'),
  'admin.jobGroups': access('list', 'sent'),
  'admin.job': access('inspect', 'job'),
  'admin.cancelJobs': access('operate', 'sent'),
  'admin.retryJobs': access('operate', 'sent'),
  'admin.deleteJobs': access('purge', 'sent'),
  'admin.deadLetters': access('list', 'sent'),
  // Messages of errors are contents of jobs.
  'admin.errors': access('list', 'sent'),
  'admin.stats': access('read', 'every'),
  'admin.history': access('read', 'every'),
  'admin.config': access('list', 'every'),
  'admin.maintenance': access('read', 'none'),
  'admin.setMaintenance': access('configure', 'every'),
  'event.list': access('inspect', 'sent'),
  'workflow.create': access('enqueue', 'sent'),
  'workflow.list': access('inspect', 'every'),
  'workflow.get': access('inspect', 'workflow'),
  'workflow.cancel': access('cancel', 'workflow'),
  'workflow.progress': access('inspect', 'workflow'),
  'workflow.graph': access('inspect', 'workflow'),
  'cron.list': access('read', 'every'),
  'cron.register': access('schedule', 'sent'),
  'cron.preview': access('read', 'none'),
  'cron.get': access('read', 'cron'),
  'cron.update': access('schedule', 'cron'),
  'cron.remove': access('schedule', 'cron'),
  'cron.runs': access('read', 'cron'),
  'cron.trigger': access('schedule', 'cron'),
  'cron.pause': access('schedule', 'cron'),
  'cron.resume': access('schedule', 'cron'),
  // Its findings name tokens, and sessions of the database.
  'system.doctor': access('operate', 'every'),
  'audit.list': access('access', 'every'),
  'token.list': access('access', 'every'),
  'token.create': access('access', 'every'),
  'token.rotate': access('access', 'every'),
  'token.revoke': access('access', 'every'),
};
