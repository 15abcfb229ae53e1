/** What a token must be allowed to do to call an operation; `open` needs no token. */
export type Scope = 'open' | 'enqueue' | 'work' | 'admin';

export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path with `:name` placeholders. */
  readonly path: string;
  /** Any one of these is enough; `admin` always is. */
  readonly scopes: readonly Scope[];
}

/** The HTTP binding (ojs-http-binding §2) and our additions, as one table: routes, clients and authorization read it. */
export const operations = {
  'system.manifest': { method: 'GET', path: '/ojs/manifest', scopes: ['open'] },
  'system.health': { method: 'GET', path: '/ojs/v1/health', scopes: ['open'] },
  'job.enqueue': { method: 'POST', path: '/ojs/v1/jobs', scopes: ['enqueue'] },
  'job.enqueueBatch': { method: 'POST', path: '/ojs/v1/jobs/batch', scopes: ['enqueue'] },
  'job.get': { method: 'GET', path: '/ojs/v1/jobs/:id', scopes: ['enqueue', 'work'] },
  'job.cancel': { method: 'DELETE', path: '/ojs/v1/jobs/:id', scopes: ['enqueue'] },
  'job.activate': { method: 'POST', path: '/ojs/v1/jobs/:id/activate', scopes: ['enqueue'] },
  'worker.fetch': { method: 'POST', path: '/ojs/v1/workers/fetch', scopes: ['work'] },
  'worker.ack': { method: 'POST', path: '/ojs/v1/workers/ack', scopes: ['work'] },
  'worker.nack': { method: 'POST', path: '/ojs/v1/workers/nack', scopes: ['work'] },
  'worker.heartbeat': { method: 'POST', path: '/ojs/v1/workers/heartbeat', scopes: ['work'] },
  'worker.exchange': { method: 'POST', path: '/ojs/v1/workers/exchange', scopes: ['work'] },
  'queue.list': { method: 'GET', path: '/ojs/v1/queues', scopes: ['enqueue', 'work'] },
  'queue.stats': { method: 'GET', path: '/ojs/v1/queues/:name/stats', scopes: ['enqueue', 'work'] },
  'queue.pause': { method: 'POST', path: '/ojs/v1/queues/:name/pause', scopes: ['admin'] },
  'queue.resume': { method: 'POST', path: '/ojs/v1/queues/:name/resume', scopes: ['admin'] },
  'deadLetter.list': { method: 'GET', path: '/ojs/v1/dead-letter', scopes: ['admin'] },
  'deadLetter.retry': { method: 'POST', path: '/ojs/v1/dead-letter/:id/retry', scopes: ['admin'] },
  'deadLetter.delete': { method: 'DELETE', path: '/ojs/v1/dead-letter/:id', scopes: ['admin'] },
  'event.list': { method: 'GET', path: '/ojs/v1/events', scopes: ['enqueue', 'work'] },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
export const operationNames = Object.keys(operations) as readonly OperationName[];

/** The path of an operation with its placeholders filled in and encoded. */
export function pathOf(name: OperationName, params: Readonly<Record<string, string>> = {}): string {
  return operations[name].path.replace(/:([a-z]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}
