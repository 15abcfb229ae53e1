export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `:name` placeholders. */
  readonly path: string;
}

export interface Operation extends Route {
  /** Other spellings that published clients use. The placeholders have the same names. */
  readonly also?: readonly Route[];
}

/**
 * The HTTP binding (ojs-http-binding §2) and our additions, as one table. Routes and clients read it; `access/calls.ts`
 * has the right that each needs.
 */
const table = {
  'system.manifest': { method: 'GET', path: '/ojs/manifest' },
  'system.health': {
    method: 'GET',
    path: '/ojs/v1/health',
    also: [
      { method: 'GET', path: '/health' },
      { method: 'GET', path: '/healthz' },
      { method: 'GET', path: '/ready' },
      { method: 'GET', path: '/readyz' },
    ],
  },
  'system.metrics': { method: 'GET', path: '/metrics', also: [{ method: 'GET', path: '/ojs/v1/metrics' }] },
  'job.enqueue': { method: 'POST', path: '/ojs/v1/jobs' },
  'job.enqueueBatch': { method: 'POST', path: '/ojs/v1/jobs/batch' },
  'job.list': { method: 'GET', path: '/ojs/v1/jobs' },
  'job.get': { method: 'GET', path: '/ojs/v1/jobs/:id' },
  'job.cancel': {
    method: 'DELETE',
    path: '/ojs/v1/jobs/:id',
    also: [
      { method: 'POST', path: '/ojs/v1/jobs/:id/cancel' },
      { method: 'POST', path: '/ojs/v1/admin/jobs/:id/cancel' },
    ],
  },
  'job.retry': { method: 'POST', path: '/ojs/v1/admin/jobs/:id/retry' },
  'job.discard': { method: 'POST', path: '/ojs/v1/admin/jobs/:id/discard' },
  'job.rerun': { method: 'POST', path: '/ojs/v1/admin/jobs/:id/rerun' },
  'job.edit': {
    method: 'PATCH',
    path: '/ojs/v1/admin/jobs/:id',
    also: [{ method: 'PATCH', path: '/ojs/v1/jobs/:id' }],
  },
  'job.explain': { method: 'GET', path: '/ojs/v1/admin/jobs/:id/explain' },
  'job.history': { method: 'GET', path: '/ojs/v1/jobs/:id/history' },
  'job.purgeHistory': { method: 'DELETE', path: '/ojs/v1/jobs/:id/history' },
  'job.activate': { method: 'POST', path: '/ojs/v1/jobs/:id/activate' },
  'job.progress': {
    method: 'GET',
    path: '/ojs/v1/jobs/:id/progress',
  },
  'job.reportProgress': { method: 'PUT', path: '/ojs/v1/jobs/:id/progress' },
  'worker.progress': { method: 'POST', path: '/ojs/v1/workers/progress' },
  'job.result': { method: 'GET', path: '/ojs/v1/jobs/:id/result' },
  'job.results': { method: 'POST', path: '/ojs/v1/jobs/results' },
  'job.checkpoint': {
    method: 'GET',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [{ method: 'GET', path: '/ojs/v1/checkpoints/:id' }],
  },
  'job.saveCheckpoint': {
    method: 'POST',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [
      { method: 'PUT', path: '/ojs/v1/jobs/:id/checkpoint' },
      { method: 'POST', path: '/ojs/v1/checkpoints/:id' },
      { method: 'PUT', path: '/ojs/v1/checkpoints/:id' },
    ],
  },
  'job.deleteCheckpoint': {
    method: 'DELETE',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [{ method: 'DELETE', path: '/ojs/v1/checkpoints/:id' }],
  },
  'bulk.enqueue': { method: 'POST', path: '/ojs/v1/jobs/bulk' },
  'bulk.cancel': { method: 'POST', path: '/ojs/v1/jobs/bulk/cancel' },
  'bulk.retry': { method: 'POST', path: '/ojs/v1/jobs/bulk/retry' },
  'bulk.delete': { method: 'POST', path: '/ojs/v1/jobs/bulk/delete' },
  'bulk.start': { method: 'POST', path: '/ojs/v1/admin/bulk' },
  'bulk.list': { method: 'GET', path: '/ojs/v1/admin/bulk' },
  'bulk.get': { method: 'GET', path: '/ojs/v1/admin/bulk/:id' },
  'bulk.stop': { method: 'POST', path: '/ojs/v1/admin/bulk/:id/stop' },
  'bulk.resume': { method: 'POST', path: '/ojs/v1/admin/bulk/:id/resume' },
  'bulk.undo': { method: 'POST', path: '/ojs/v1/admin/bulk/:id/undo' },
  'worker.fetch': { method: 'POST', path: '/ojs/v1/workers/fetch' },
  'worker.ack': {
    method: 'POST',
    path: '/ojs/v1/workers/ack',
    also: [{ method: 'POST', path: '/ojs/v1/jobs/:id/ack' }],
  },
  'worker.nack': {
    method: 'POST',
    path: '/ojs/v1/workers/nack',
    also: [
      { method: 'POST', path: '/ojs/v1/jobs/:id/nack' },
      { method: 'POST', path: '/ojs/v1/jobs/:id/fail' },
    ],
  },
  'worker.heartbeat': {
    method: 'POST',
    path: '/ojs/v1/workers/heartbeat',
    also: [{ method: 'POST', path: '/ojs/v1/workers/beat' }],
  },
  'worker.exchange': { method: 'POST', path: '/ojs/v1/workers/exchange' },
  'worker.register': { method: 'POST', path: '/ojs/v1/workers/register' },
  'worker.deregister': {
    method: 'POST',
    path: '/ojs/v1/workers/deregister',
    also: [{ method: 'DELETE', path: '/ojs/v1/workers/:id' }],
  },
  'worker.remove': { method: 'DELETE', path: '/ojs/v1/admin/workers/:id' },
  'worker.get': { method: 'GET', path: '/ojs/v1/admin/workers/:id' },
  'worker.quiet': { method: 'POST', path: '/ojs/v1/admin/workers/:id/quiet' },
  'worker.resume': { method: 'POST', path: '/ojs/v1/admin/workers/:id/resume' },
  'worker.stop': { method: 'POST', path: '/ojs/v1/admin/workers/:id/stop' },
  'worker.direct': { method: 'POST', path: '/ojs/v1/admin/workers/directive' },
  'worker.health': { method: 'GET', path: '/ojs/v1/workers/:id/health' },
  'worker.list': {
    method: 'GET',
    path: '/ojs/v1/workers',
    also: [{ method: 'GET', path: '/ojs/v1/admin/workers' }],
  },
  'queue.list': { method: 'GET', path: '/ojs/v1/queues' },
  'queue.create': { method: 'POST', path: '/ojs/v1/queues' },
  'queue.get': { method: 'GET', path: '/ojs/v1/queues/:name' },
  'queue.delete': { method: 'DELETE', path: '/ojs/v1/queues/:name' },
  'queue.config': {
    method: 'GET',
    path: '/ojs/v1/queues/:name/config',
    also: [{ method: 'GET', path: '/ojs/v1/admin/queues/:name/config' }],
  },
  'queue.configure': {
    method: 'PUT',
    path: '/ojs/v1/queues/:name/config',
    also: [{ method: 'PUT', path: '/ojs/v1/admin/queues/:name/config' }],
  },
  'queue.limit': {
    method: 'PUT',
    path: '/ojs/v1/admin/queues/:name/rate-limit',
    also: [{ method: 'PUT', path: '/ojs/v1/queues/:name/rate-limit' }],
  },
  'queue.stats': { method: 'GET', path: '/ojs/v1/queues/:name/stats' },
  'queue.pause': {
    method: 'POST',
    path: '/ojs/v1/queues/:name/pause',
    also: [{ method: 'POST', path: '/ojs/v1/admin/queues/:name/pause' }],
  },
  'queue.resume': {
    method: 'POST',
    path: '/ojs/v1/queues/:name/resume',
    also: [{ method: 'POST', path: '/ojs/v1/admin/queues/:name/resume' }],
  },
  'queue.purge': {
    method: 'DELETE',
    path: '/ojs/v1/admin/queues/:name/jobs',
    also: [{ method: 'POST', path: '/ojs/v1/queues/:name/purge' }],
  },
  'limit.list': { method: 'GET', path: '/ojs/v1/rate-limits' },
  'limit.get': { method: 'GET', path: '/ojs/v1/rate-limits/:key' },
  'limit.override': {
    method: 'PUT',
    path: '/ojs/v1/rate-limits/:key',
    also: [{ method: 'PUT', path: '/ojs/v1/rate-limits/:key/override' }],
  },
  'limit.restore': { method: 'DELETE', path: '/ojs/v1/rate-limits/:key/override' },
  'schema.list': {
    method: 'GET',
    path: '/ojs/v1/schemas',
    also: [{ method: 'GET', path: '/ojs/v1/admin/schemas' }],
  },
  'schema.register': { method: 'POST', path: '/ojs/v1/schemas' },
  'schema.get': { method: 'GET', path: '/ojs/v1/schemas/:key' },
  'schema.versions': {
    method: 'GET',
    path: '/ojs/v1/schemas/:key/versions',
    also: [{ method: 'GET', path: '/ojs/v1/admin/schemas/:key/versions' }],
  },
  'schema.getVersion': { method: 'GET', path: '/ojs/v1/schemas/:key/:version' },
  'schema.delete': { method: 'DELETE', path: '/ojs/v1/schemas/:key' },
  'schema.deleteVersion': {
    method: 'DELETE',
    path: '/ojs/v1/schemas/:key/:version',
    also: [{ method: 'DELETE', path: '/ojs/v1/admin/schemas/:key/:version' }],
  },
  'schema.put': { method: 'PUT', path: '/ojs/v1/admin/schemas/:key/:version' },
  'schema.getFlat': { method: 'GET', path: '/ojs/v1/admin/schemas/:key' },
  'schema.getVersionFlat': { method: 'GET', path: '/ojs/v1/admin/schemas/:key/:version' },
  'deadLetter.list': { method: 'GET', path: '/ojs/v1/dead-letter' },
  'deadLetter.stats': {
    method: 'GET',
    path: '/ojs/v1/dead-letter/stats',
    also: [{ method: 'GET', path: '/ojs/v1/admin/dead-letter/stats' }],
  },
  'deadLetter.get': {
    method: 'GET',
    path: '/ojs/v1/dead-letter/:id',
    also: [{ method: 'GET', path: '/ojs/v1/admin/dead-letter/:id' }],
  },
  'deadLetter.retryMany': {
    method: 'POST',
    path: '/ojs/v1/dead-letter/retry',
    also: [{ method: 'POST', path: '/ojs/v1/admin/dead-letter/retry' }],
  },
  'deadLetter.purge': {
    method: 'DELETE',
    path: '/ojs/v1/dead-letter',
    also: [
      { method: 'POST', path: '/ojs/v1/dead-letter/purge' },
      { method: 'DELETE', path: '/ojs/v1/admin/dead-letter' },
    ],
  },
  'deadLetter.retry': {
    method: 'POST',
    path: '/ojs/v1/dead-letter/:id/retry',
    also: [{ method: 'POST', path: '/ojs/v1/admin/dead-letter/:id/retry' }],
  },
  'deadLetter.delete': {
    method: 'DELETE',
    path: '/ojs/v1/dead-letter/:id',
    also: [{ method: 'DELETE', path: '/ojs/v1/admin/dead-letter/:id' }],
  },
  'admin.queues': { method: 'GET', path: '/ojs/v1/admin/queues' },
  'admin.queue': { method: 'GET', path: '/ojs/v1/admin/queues/:name' },
  'admin.jobs': { method: 'GET', path: '/ojs/v1/admin/jobs' },
  'admin.jobGroups': { method: 'GET', path: '/ojs/v1/admin/jobs/groups' },
  'admin.job': { method: 'GET', path: '/ojs/v1/admin/jobs/:id' },
  'admin.cancelJobs': { method: 'POST', path: '/ojs/v1/admin/jobs/bulk/cancel' },
  'admin.retryJobs': { method: 'POST', path: '/ojs/v1/admin/jobs/bulk/retry' },
  'admin.deleteJobs': { method: 'POST', path: '/ojs/v1/admin/jobs/bulk/delete' },
  'admin.deadLetters': { method: 'GET', path: '/ojs/v1/admin/dead-letter' },
  'admin.errors': { method: 'GET', path: '/ojs/v1/admin/errors' },
  'admin.stats': { method: 'GET', path: '/ojs/v1/admin/stats' },
  'admin.history': { method: 'GET', path: '/ojs/v1/admin/stats/history' },
  'admin.config': {
    method: 'GET',
    path: '/ojs/v1/admin/system/config',
    also: [{ method: 'GET', path: '/ojs/v1/admin/config' }],
  },
  'admin.maintenance': {
    method: 'GET',
    path: '/ojs/v1/admin/system/maintenance',
    also: [{ method: 'GET', path: '/ojs/v1/admin/maintenance' }],
  },
  'admin.setMaintenance': {
    method: 'POST',
    path: '/ojs/v1/admin/system/maintenance',
    also: [{ method: 'POST', path: '/ojs/v1/admin/maintenance' }],
  },
  'event.list': { method: 'GET', path: '/ojs/v1/events' },
  'workflow.create': { method: 'POST', path: '/ojs/v1/workflows' },
  'workflow.list': { method: 'GET', path: '/ojs/v1/workflows' },
  'workflow.get': { method: 'GET', path: '/ojs/v1/workflows/:id' },
  'workflow.cancel': {
    method: 'DELETE',
    path: '/ojs/v1/workflows/:id',
    also: [{ method: 'POST', path: '/ojs/v1/workflows/:id/cancel' }],
  },
  'workflow.retry': { method: 'POST', path: '/ojs/v1/workflows/:id/retry' },
  'workflow.rerun': { method: 'POST', path: '/ojs/v1/workflows/:id/rerun' },
  'workflow.progress': { method: 'GET', path: '/ojs/v1/workflows/:id/progress' },
  'workflow.graph': { method: 'GET', path: '/ojs/v1/workflows/:id/graph' },
  'cron.list': {
    method: 'GET',
    path: '/ojs/v1/cron',
    also: [{ method: 'GET', path: '/ojs/v1/crons' }],
  },
  'cron.register': {
    method: 'POST',
    path: '/ojs/v1/cron',
    also: [{ method: 'POST', path: '/ojs/v1/crons' }],
  },
  'cron.preview': { method: 'POST', path: '/ojs/v1/cron/preview' },
  'cron.get': {
    method: 'GET',
    path: '/ojs/v1/cron/:name',
    also: [{ method: 'GET', path: '/ojs/v1/crons/:name' }],
  },
  'cron.update': {
    method: 'PATCH',
    path: '/ojs/v1/cron/:name',
    also: [
      { method: 'PUT', path: '/ojs/v1/cron/:name' },
      { method: 'PATCH', path: '/ojs/v1/crons/:name' },
    ],
  },
  'cron.remove': {
    method: 'DELETE',
    path: '/ojs/v1/cron/:name',
    also: [{ method: 'DELETE', path: '/ojs/v1/crons/:name' }],
  },
  'cron.runs': { method: 'GET', path: '/ojs/v1/cron/:name/runs' },
  'cron.trigger': {
    method: 'POST',
    path: '/ojs/v1/cron/:name/trigger',
    also: [{ method: 'POST', path: '/ojs/v1/crons/:name/trigger' }],
  },
  'cron.pause': { method: 'POST', path: '/ojs/v1/cron/:name/pause' },
  'cron.resume': { method: 'POST', path: '/ojs/v1/cron/:name/resume' },
  'system.doctor': { method: 'GET', path: '/ojs/v1/admin/doctor' },
  'audit.list': { method: 'GET', path: '/ojs/v1/admin/audit' },
  'token.list': { method: 'GET', path: '/ojs/v1/admin/tokens' },
  'token.create': { method: 'POST', path: '/ojs/v1/admin/tokens' },
  'token.rotate': { method: 'POST', path: '/ojs/v1/admin/tokens/:id/rotate' },
  'token.revoke': { method: 'DELETE', path: '/ojs/v1/admin/tokens/:id' },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;
export const operations: Readonly<Record<OperationName, Operation>> = table;
export const operationNames = Object.keys(operations) as readonly OperationName[];

export function isPlaceholder(segment: string): boolean {
  return segment.startsWith(':');
}

/** Whether the segments of a path are those of a route; a placeholder takes any that is not empty. */
export function fitsRoute(route: readonly string[], given: readonly string[]): boolean {
  return (
    route.length === given.length &&
    route.every((segment, index) => (isPlaceholder(segment) ? given[index] !== '' : segment === given[index]))
  );
}

/** The path of an operation with its placeholders filled in and encoded. */
export function pathOf(name: OperationName, params: Readonly<Record<string, string>> = {}): string {
  return operations[name].path.replace(/:([a-z]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}
