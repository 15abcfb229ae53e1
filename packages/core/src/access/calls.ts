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
  /**
   * Whether the answer has jobs, or templates of jobs: arguments, meta, results and errors, of which a token may see
   * less. Statistics and histories have other members of these names.
   */
  readonly shows: 'jobs' | 'nothing';
}

const access = (right: Access['right'], queues: QueueCheck, shows: Access['shows']): Access => ({
  right,
  queues,
  shows,
});

/** The rights of all operations: routes, tests and docs/access.md read this table. */
export const accessOf: Readonly<Record<OperationName, Access>> = {
  'system.manifest': access('open', 'none', 'nothing'),
  'system.health': access('open', 'none', 'nothing'),
  'system.metrics': access('read', 'every', 'nothing'),
  'job.enqueue': access('enqueue', 'sent', 'jobs'),
  'job.enqueueBatch': access('enqueue', 'sent', 'jobs'),
  'job.list': access('list', 'sent', 'jobs'),
  'job.get': access('inspect', 'job', 'jobs'),
  'job.cancel': access('cancel', 'job', 'jobs'),
  'job.retry': access('operate', 'job', 'jobs'),
  'job.discard': access('operate', 'job', 'jobs'),
  'job.rerun': access('operate', 'job', 'jobs'),
  'job.edit': access('operate', 'job', 'jobs'),
  'job.explain': access('inspect', 'step', 'jobs'),
  'job.history': access('inspect', 'job', 'nothing'),
  'job.purgeHistory': access('purge', 'job', 'jobs'),
  'job.activate': access('enqueue', 'job', 'jobs'),
  'job.progress': access('inspect', 'job', 'jobs'),
  'job.reportProgress': access('work', 'job', 'jobs'),
  'worker.progress': access('work', 'sent', 'nothing'),
  'job.result': access('inspect', 'job', 'jobs'),
  'job.results': access('inspect', 'sent', 'jobs'),
  'job.checkpoint': access('payload', 'job', 'jobs'),
  'job.saveCheckpoint': access('work', 'job', 'jobs'),
  'job.deleteCheckpoint': access('work', 'job', 'jobs'),
  'bulk.enqueue': access('enqueue', 'sent', 'jobs'),
  'bulk.cancel': access('operate', 'sent', 'jobs'),
  'bulk.retry': access('operate', 'sent', 'jobs'),
  'bulk.delete': access('purge', 'sent', 'jobs'),
  // An operation that deletes jobs also needs the right to purge.
  'bulk.start': access('operate', 'sent', 'jobs'),
  'bulk.list': access('list', 'shown', 'jobs'),
  'bulk.get': access('list', 'bulk', 'jobs'),
  'bulk.stop': access('operate', 'bulk', 'jobs'),
  'bulk.resume': access('operate', 'bulk', 'jobs'),
  'bulk.undo': access('operate', 'bulk', 'jobs'),
  'worker.fetch': access('work', 'sent', 'nothing'),
  'worker.ack': access('work', 'sent', 'nothing'),
  'worker.nack': access('work', 'sent', 'nothing'),
  'worker.heartbeat': access('work', 'sent', 'nothing'),
  'worker.exchange': access('work', 'sent', 'nothing'),
  'worker.register': access('work', 'sent', 'nothing'),
  'worker.deregister': access('work', 'sent', 'nothing'),
  'worker.remove': access('operate', 'every', 'nothing'),
  'worker.get': access('list', 'every', 'nothing'),
  'worker.quiet': access('operate', 'every', 'nothing'),
  'worker.resume': access('operate', 'every', 'nothing'),
  'worker.stop': access('operate', 'every', 'nothing'),
  'worker.direct': access('operate', 'every', 'nothing'),
  'worker.health': access('read', 'none', 'nothing'),
  'worker.list': access('list', 'every', 'nothing'),
  'queue.list': access('read', 'shown', 'nothing'),
  'queue.create': access('configure', 'sent', 'nothing'),
  'queue.get': access('read', 'path', 'nothing'),
  'queue.delete': access('configure', 'path', 'nothing'),
  'queue.config': access('read', 'path', 'nothing'),
  'queue.configure': access('configure', 'path', 'nothing'),
  'queue.limit': access('configure', 'path', 'nothing'),
  'queue.stats': access('read', 'path', 'nothing'),
  'queue.pause': access('operate', 'path', 'nothing'),
  'queue.resume': access('operate', 'path', 'nothing'),
  'queue.purge': access('purge', 'path', 'nothing'),
  'limit.list': access('read', 'every', 'nothing'),
  'limit.get': access('read', 'every', 'nothing'),
  'limit.override': access('configure', 'every', 'nothing'),
  'limit.restore': access('configure', 'every', 'nothing'),
  'schema.list': access('read', 'none', 'nothing'),
  'schema.register': access('configure', 'every', 'nothing'),
  'schema.get': access('read', 'none', 'nothing'),
  'schema.versions': access('read', 'none', 'nothing'),
  'schema.getVersion': access('read', 'none', 'nothing'),
  'schema.delete': access('configure', 'every', 'nothing'),
  'schema.deleteVersion': access('configure', 'every', 'nothing'),
  'schema.put': access('configure', 'every', 'nothing'),
  'schema.getFlat': access('read', 'none', 'nothing'),
  'schema.getVersionFlat': access('read', 'none', 'nothing'),
  'deadLetter.list': access('list', 'sent', 'jobs'),
  'deadLetter.stats': access('list', 'every', 'nothing'),
  'deadLetter.get': access('list', 'job', 'jobs'),
  'deadLetter.retryMany': access('operate', 'sent', 'jobs'),
  'deadLetter.purge': access('purge', 'sent', 'jobs'),
  'deadLetter.retry': access('operate', 'job', 'jobs'),
  'deadLetter.delete': access('purge', 'job', 'jobs'),
  'admin.queues': access('read', 'shown', 'nothing'),
  'admin.queue': access('read', 'path', 'nothing'),
  'admin.jobs': access('list', 'sent', 'jobs'),
  'admin.jobGroups': access('list', 'sent', 'nothing'),
  'admin.job': access('inspect', 'job', 'jobs'),
  'admin.cancelJobs': access('operate', 'sent', 'jobs'),
  'admin.retryJobs': access('operate', 'sent', 'jobs'),
  'admin.deleteJobs': access('purge', 'sent', 'jobs'),
  'admin.deadLetters': access('list', 'sent', 'jobs'),
  // Messages of errors are contents of jobs.
  'admin.errors': access('list', 'sent', 'nothing'),
  'admin.stats': access('read', 'every', 'nothing'),
  'admin.history': access('read', 'every', 'nothing'),
  'admin.config': access('list', 'every', 'nothing'),
  'admin.maintenance': access('read', 'none', 'nothing'),
  'admin.setMaintenance': access('configure', 'every', 'nothing'),
  'event.list': access('inspect', 'sent', 'nothing'),
  'workflow.create': access('enqueue', 'sent', 'jobs'),
  'workflow.list': access('inspect', 'every', 'jobs'),
  'workflow.get': access('inspect', 'workflow', 'jobs'),
  'workflow.cancel': access('cancel', 'workflow', 'jobs'),
  'workflow.retry': access('operate', 'workflow', 'jobs'),
  'workflow.rerun': access('enqueue', 'workflow', 'jobs'),
  'workflow.progress': access('inspect', 'workflow', 'jobs'),
  'workflow.graph': access('inspect', 'workflow', 'jobs'),
  'cron.list': access('read', 'every', 'jobs'),
  'cron.register': access('schedule', 'sent', 'jobs'),
  'cron.preview': access('read', 'none', 'jobs'),
  'cron.get': access('read', 'cron', 'jobs'),
  'cron.update': access('schedule', 'cron', 'jobs'),
  'cron.remove': access('schedule', 'cron', 'jobs'),
  'cron.runs': access('read', 'cron', 'jobs'),
  'cron.trigger': access('schedule', 'cron', 'jobs'),
  'cron.pause': access('schedule', 'cron', 'jobs'),
  'cron.resume': access('schedule', 'cron', 'jobs'),
  // Its findings name tokens, and sessions of the database.
  'system.doctor': access('operate', 'every', 'nothing'),
  'audit.list': access('access', 'every', 'nothing'),
  'token.list': access('access', 'every', 'nothing'),
  'token.create': access('access', 'every', 'nothing'),
  'token.rotate': access('access', 'every', 'nothing'),
  'token.revoke': access('access', 'every', 'nothing'),
};
