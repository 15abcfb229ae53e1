/** The scopes that a token may have. */
export const tokenScopes = ['enqueue', 'work', 'cron', 'admin'] as const;
export type TokenScope = (typeof tokenScopes)[number];
/** The right that a token needs to call an operation; `open` needs no token. */
export type Scope = 'open' | TokenScope;

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `:name` placeholders. */
  readonly path: string;
}

export interface Operation extends Route {
  /** Other spellings that published clients use. The placeholders have the same names. */
  readonly also?: readonly Route[];
  /** One of these is enough; `admin` always is. */
  readonly scopes: readonly Scope[];
}

/**
 * The HTTP binding (ojs-http-binding §2) and our additions, as one table. Routes, clients and authorization read it.
 */
const table = {
  'system.manifest': { method: 'GET', path: '/ojs/manifest', scopes: ['open'] },
  'system.health': {
    method: 'GET',
    path: '/ojs/v1/health',
    also: [
      { method: 'GET', path: '/health' },
      { method: 'GET', path: '/healthz' },
      { method: 'GET', path: '/ready' },
      { method: 'GET', path: '/readyz' },
    ],
    scopes: ['open'],
  },
  'job.enqueue': { method: 'POST', path: '/ojs/v1/jobs', scopes: ['enqueue'] },
  'job.enqueueBatch': { method: 'POST', path: '/ojs/v1/jobs/batch', scopes: ['enqueue'] },
  'job.list': { method: 'GET', path: '/ojs/v1/jobs', scopes: ['admin'] },
  'job.get': { method: 'GET', path: '/ojs/v1/jobs/:id', scopes: ['enqueue', 'work'] },
  'job.cancel': {
    method: 'DELETE',
    path: '/ojs/v1/jobs/:id',
    also: [{ method: 'POST', path: '/ojs/v1/jobs/:id/cancel' }],
    scopes: ['enqueue'],
  },
  'job.discard': { method: 'POST', path: '/ojs/v1/admin/jobs/:id/discard', scopes: ['admin'] },
  'job.activate': { method: 'POST', path: '/ojs/v1/jobs/:id/activate', scopes: ['enqueue'] },
  'job.progress': {
    method: 'GET',
    path: '/ojs/v1/jobs/:id/progress',
    scopes: ['enqueue', 'work'],
  },
  'job.reportProgress': { method: 'PUT', path: '/ojs/v1/jobs/:id/progress', scopes: ['work'] },
  'worker.progress': { method: 'POST', path: '/ojs/v1/workers/progress', scopes: ['work'] },
  'job.result': { method: 'GET', path: '/ojs/v1/jobs/:id/result', scopes: ['enqueue', 'work'] },
  'job.results': { method: 'POST', path: '/ojs/v1/jobs/results', scopes: ['enqueue', 'work'] },
  'job.checkpoint': {
    method: 'GET',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [{ method: 'GET', path: '/ojs/v1/checkpoints/:id' }],
    scopes: ['enqueue', 'work'],
  },
  'job.saveCheckpoint': {
    method: 'POST',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [
      { method: 'PUT', path: '/ojs/v1/jobs/:id/checkpoint' },
      { method: 'POST', path: '/ojs/v1/checkpoints/:id' },
      { method: 'PUT', path: '/ojs/v1/checkpoints/:id' },
    ],
    scopes: ['work'],
  },
  'job.deleteCheckpoint': {
    method: 'DELETE',
    path: '/ojs/v1/jobs/:id/checkpoint',
    also: [{ method: 'DELETE', path: '/ojs/v1/checkpoints/:id' }],
    scopes: ['work'],
  },
  'bulk.enqueue': { method: 'POST', path: '/ojs/v1/jobs/bulk', scopes: ['enqueue'] },
  'bulk.cancel': { method: 'POST', path: '/ojs/v1/jobs/bulk/cancel', scopes: ['admin'] },
  'bulk.retry': { method: 'POST', path: '/ojs/v1/jobs/bulk/retry', scopes: ['admin'] },
  'bulk.delete': { method: 'POST', path: '/ojs/v1/jobs/bulk/delete', scopes: ['admin'] },
  'worker.fetch': { method: 'POST', path: '/ojs/v1/workers/fetch', scopes: ['work'] },
  'worker.ack': {
    method: 'POST',
    path: '/ojs/v1/workers/ack',
    also: [{ method: 'POST', path: '/ojs/v1/jobs/:id/ack' }],
    scopes: ['work'],
  },
  'worker.nack': {
    method: 'POST',
    path: '/ojs/v1/workers/nack',
    also: [
      { method: 'POST', path: '/ojs/v1/jobs/:id/nack' },
      { method: 'POST', path: '/ojs/v1/jobs/:id/fail' },
    ],
    scopes: ['work'],
  },
  'worker.heartbeat': {
    method: 'POST',
    path: '/ojs/v1/workers/heartbeat',
    also: [{ method: 'POST', path: '/ojs/v1/workers/beat' }],
    scopes: ['work'],
  },
  'worker.exchange': { method: 'POST', path: '/ojs/v1/workers/exchange', scopes: ['work'] },
  'worker.register': { method: 'POST', path: '/ojs/v1/workers/register', scopes: ['work'] },
  'worker.deregister': {
    method: 'POST',
    path: '/ojs/v1/workers/deregister',
    also: [{ method: 'DELETE', path: '/ojs/v1/workers/:id' }],
    scopes: ['work'],
  },
  'worker.remove': { method: 'DELETE', path: '/ojs/v1/admin/workers/:id', scopes: ['admin'] },
  'worker.health': { method: 'GET', path: '/ojs/v1/workers/:id/health', scopes: ['work'] },
  'worker.list': {
    method: 'GET',
    path: '/ojs/v1/workers',
    also: [{ method: 'GET', path: '/ojs/v1/admin/workers' }],
    scopes: ['admin'],
  },
  'queue.list': { method: 'GET', path: '/ojs/v1/queues', scopes: ['enqueue', 'work'] },
  'queue.create': { method: 'POST', path: '/ojs/v1/queues', scopes: ['admin'] },
  'queue.get': { method: 'GET', path: '/ojs/v1/queues/:name', scopes: ['enqueue', 'work'] },
  'queue.delete': { method: 'DELETE', path: '/ojs/v1/queues/:name', scopes: ['admin'] },
  'queue.config': {
    method: 'GET',
    path: '/ojs/v1/queues/:name/config',
    also: [{ method: 'GET', path: '/ojs/v1/admin/queues/:name/config' }],
    scopes: ['enqueue', 'work'],
  },
  'queue.configure': {
    method: 'PUT',
    path: '/ojs/v1/queues/:name/config',
    also: [{ method: 'PUT', path: '/ojs/v1/admin/queues/:name/config' }],
    scopes: ['admin'],
  },
  'queue.limit': {
    method: 'PUT',
    path: '/ojs/v1/admin/queues/:name/rate-limit',
    also: [{ method: 'PUT', path: '/ojs/v1/queues/:name/rate-limit' }],
    scopes: ['admin'],
  },
  'queue.stats': { method: 'GET', path: '/ojs/v1/queues/:name/stats', scopes: ['enqueue', 'work'] },
  'queue.pause': { method: 'POST', path: '/ojs/v1/queues/:name/pause', scopes: ['admin'] },
  'queue.resume': { method: 'POST', path: '/ojs/v1/queues/:name/resume', scopes: ['admin'] },
  'limit.list': { method: 'GET', path: '/ojs/v1/rate-limits', scopes: ['enqueue', 'work'] },
  'limit.get': { method: 'GET', path: '/ojs/v1/rate-limits/:key', scopes: ['enqueue', 'work'] },
  'limit.override': {
    method: 'PUT',
    path: '/ojs/v1/rate-limits/:key',
    also: [{ method: 'PUT', path: '/ojs/v1/rate-limits/:key/override' }],
    scopes: ['admin'],
  },
  'limit.restore': { method: 'DELETE', path: '/ojs/v1/rate-limits/:key/override', scopes: ['admin'] },
  'schema.list': {
    method: 'GET',
    path: '/ojs/v1/schemas',
    also: [{ method: 'GET', path: '/ojs/v1/admin/schemas' }],
    scopes: ['enqueue', 'work'],
  },
  'schema.register': { method: 'POST', path: '/ojs/v1/schemas', scopes: ['admin'] },
  'schema.get': { method: 'GET', path: '/ojs/v1/schemas/:key', scopes: ['enqueue', 'work'] },
  'schema.versions': {
    method: 'GET',
    path: '/ojs/v1/schemas/:key/versions',
    also: [{ method: 'GET', path: '/ojs/v1/admin/schemas/:key/versions' }],
    scopes: ['enqueue', 'work'],
  },
  'schema.getVersion': { method: 'GET', path: '/ojs/v1/schemas/:key/:version', scopes: ['enqueue', 'work'] },
  'schema.delete': { method: 'DELETE', path: '/ojs/v1/schemas/:key', scopes: ['admin'] },
  'schema.deleteVersion': {
    method: 'DELETE',
    path: '/ojs/v1/schemas/:key/:version',
    also: [{ method: 'DELETE', path: '/ojs/v1/admin/schemas/:key/:version' }],
    scopes: ['admin'],
  },
  'schema.put': { method: 'PUT', path: '/ojs/v1/admin/schemas/:key/:version', scopes: ['admin'] },
  'schema.getFlat': { method: 'GET', path: '/ojs/v1/admin/schemas/:key', scopes: ['enqueue', 'work'] },
  'schema.getVersionFlat': { method: 'GET', path: '/ojs/v1/admin/schemas/:key/:version', scopes: ['enqueue', 'work'] },
  'deadLetter.list': { method: 'GET', path: '/ojs/v1/dead-letter', scopes: ['admin'] },
  'deadLetter.stats': { method: 'GET', path: '/ojs/v1/dead-letter/stats', scopes: ['admin'] },
  'deadLetter.get': { method: 'GET', path: '/ojs/v1/dead-letter/:id', scopes: ['admin'] },
  'deadLetter.retryMany': { method: 'POST', path: '/ojs/v1/dead-letter/retry', scopes: ['admin'] },
  'deadLetter.purge': {
    method: 'DELETE',
    path: '/ojs/v1/dead-letter',
    also: [{ method: 'POST', path: '/ojs/v1/dead-letter/purge' }],
    scopes: ['admin'],
  },
  'deadLetter.retry': { method: 'POST', path: '/ojs/v1/dead-letter/:id/retry', scopes: ['admin'] },
  'deadLetter.delete': { method: 'DELETE', path: '/ojs/v1/dead-letter/:id', scopes: ['admin'] },
  'event.list': { method: 'GET', path: '/ojs/v1/events', scopes: ['enqueue', 'work'] },
  'workflow.create': { method: 'POST', path: '/ojs/v1/workflows', scopes: ['enqueue'] },
  'workflow.list': { method: 'GET', path: '/ojs/v1/workflows', scopes: ['enqueue', 'work'] },
  'workflow.get': { method: 'GET', path: '/ojs/v1/workflows/:id', scopes: ['enqueue', 'work'] },
  'workflow.cancel': {
    method: 'DELETE',
    path: '/ojs/v1/workflows/:id',
    also: [{ method: 'POST', path: '/ojs/v1/workflows/:id/cancel' }],
    scopes: ['enqueue'],
  },
  'workflow.progress': { method: 'GET', path: '/ojs/v1/workflows/:id/progress', scopes: ['enqueue', 'work'] },
  'cron.list': {
    method: 'GET',
    path: '/ojs/v1/cron',
    also: [{ method: 'GET', path: '/ojs/v1/crons' }],
    scopes: ['enqueue', 'work', 'cron'],
  },
  'cron.register': {
    method: 'POST',
    path: '/ojs/v1/cron',
    also: [{ method: 'POST', path: '/ojs/v1/crons' }],
    scopes: ['cron'],
  },
  'cron.preview': { method: 'POST', path: '/ojs/v1/cron/preview', scopes: ['enqueue', 'work', 'cron'] },
  'cron.get': {
    method: 'GET',
    path: '/ojs/v1/cron/:name',
    also: [{ method: 'GET', path: '/ojs/v1/crons/:name' }],
    scopes: ['enqueue', 'work', 'cron'],
  },
  'cron.update': {
    method: 'PATCH',
    path: '/ojs/v1/cron/:name',
    also: [
      { method: 'PUT', path: '/ojs/v1/cron/:name' },
      { method: 'PATCH', path: '/ojs/v1/crons/:name' },
    ],
    scopes: ['cron'],
  },
  'cron.remove': {
    method: 'DELETE',
    path: '/ojs/v1/cron/:name',
    also: [{ method: 'DELETE', path: '/ojs/v1/crons/:name' }],
    scopes: ['cron'],
  },
  'cron.runs': { method: 'GET', path: '/ojs/v1/cron/:name/runs', scopes: ['enqueue', 'work', 'cron'] },
  'cron.trigger': {
    method: 'POST',
    path: '/ojs/v1/cron/:name/trigger',
    also: [{ method: 'POST', path: '/ojs/v1/crons/:name/trigger' }],
    scopes: ['cron'],
  },
  'cron.pause': { method: 'POST', path: '/ojs/v1/cron/:name/pause', scopes: ['cron'] },
  'cron.resume': { method: 'POST', path: '/ojs/v1/cron/:name/resume', scopes: ['cron'] },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;
export const operations: Readonly<Record<OperationName, Operation>> = table;
export const operationNames = Object.keys(operations) as readonly OperationName[];

/** The path of an operation with its placeholders filled in and encoded. */
export function pathOf(name: OperationName, params: Readonly<Record<string, string>> = {}): string {
  return operations[name].path.replace(/:([a-z]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}
