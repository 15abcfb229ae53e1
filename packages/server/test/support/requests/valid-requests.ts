import { type OperationName, type Route, routeOf } from '@ojs-ts/core/operations';
import type { Canaries } from '../canaries.ts';
import { newId } from '../ids.ts';
import type { Request } from '../request.ts';

/** The path of a route with its placeholders filled in. */
export function fillPath({ path }: Route, params: Readonly<Record<string, string>>): string {
  return path.replace(/:([a-z]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}

/** What the placeholders of an operation stand for: something that it would change, or would show. */
export function paramsOf(name: OperationName, canaries: Canaries): Readonly<Record<string, string>> {
  const names: Readonly<Record<string, string>> = { cron: canaries.cron, queue: canaries.queue };
  const keys: Readonly<Record<string, string>> = { limit: canaries.limit, schema: canaries.schema };
  const [room = ''] = name.split('.');
  const isQueue = name === 'admin.queue';
  return {
    id: idOf(name, canaries),
    name: name === 'queue.delete' ? canaries.emptyQueue : isQueue ? canaries.queue : (names[room] ?? ''),
    key: keys[room] ?? '',
    version: name === 'schema.put' ? '2' : '1',
  };
}

function idOf(name: OperationName, canaries: Canaries): string {
  if (name.startsWith('deadLetter.')) return canaries.deadLetter;
  if (name.startsWith('workflow.')) return canaries.workflow;
  switch (name) {
    case 'bulk.get':
    case 'bulk.stop':
    case 'bulk.resume':
    case 'bulk.undo':
      return canaries.bulk;
    case 'job.activate':
      return canaries.pending;
    case 'job.result':
    case 'job.purgeHistory':
    case 'job.rerun':
      return canaries.completed;
    case 'job.progress':
    case 'job.reportProgress':
    case 'job.checkpoint':
    case 'job.saveCheckpoint':
    case 'job.deleteCheckpoint':
    case 'job.steps':
    case 'worker.ack':
    case 'worker.nack':
      return canaries.active;
    case 'worker.deregister':
    case 'worker.health':
    case 'worker.remove':
    case 'worker.get':
    case 'worker.quiet':
    case 'worker.resume':
    case 'worker.stop':
      return 'keeper';
    default:
      return canaries.available;
  }
}

/**
 * A body with which the operation would have an effect; undefined where it needs none. Its first member is one that
 * must be right.
 */
export function bodyOf(name: OperationName, canaries: Canaries): object | undefined {
  const { queue, active } = canaries;
  const owner = { job_id: active, worker_id: 'keeper' };
  const fetch = { queues: [queue], count: 1, request_id: 'r-1', wait_ms: 0, visibility_timeout_ms: 60_000 };
  const beat = { active_jobs: [active], open_fetches: [], state: 'running', visibility_timeout_ms: 60_000_000 };
  const job = { type: 'a.b', args: [1], meta: { a: 1 }, options: { queue, priority: 1, retry: { max_attempts: 2 } } };
  const rate = { limit: 10, period: 'PT1M' };
  const report = { message: 'half', data: { a: 1 }, checkpoint: { line: 2 } };
  const definition = {
    cron: '*/5 * * * *',
    timezone: 'Europe/Berlin',
    overlap_policy: 'allow',
    description: 'd',
    enabled: true,
  };
  const bodies: Partial<Record<OperationName, object>> = {
    'job.enqueue': { id: newId(), ...job },
    'job.enqueueBatch': { jobs: [{ id: newId(), ...job }, job] },
    'job.edit': {
      priority: 1,
      args: [2],
      meta: { a: 1 },
      retry: { max_attempts: 2 },
      timeout: 5,
      if_match: { attempt: 0 },
    },
    'job.reportProgress': { progress: 0.5, worker_id: 'keeper', ...report },
    'job.results': { ids: [canaries.completed] },
    'job.saveCheckpoint': { worker_id: 'keeper', state: { line: 3 } },
    'bulk.enqueue': { jobs: [job, job], atomicity: 'partial' },
    'bulk.cancel': { job_ids: [canaries.available, canaries.scheduled] },
    'bulk.retry': { filter: { states: ['discarded'], queue } },
    'bulk.delete': { filter: { states: ['completed'], type: 'canary.*' } },
    'bulk.start': { action: 'cancel', filter: { queue, type: 'nothing' }, query: 'age>1s', rate: 5, confirm: true },
    'worker.fetch': { ...fetch, worker_id: 'keeper' },
    'worker.steps': {
      worker_id: 'keeper',
      items: [
        { job_id: active, x_lease: '1.x', steps: [{ name: 'a', kind: 'run', state: 'done', number: 1, value: 2 }] },
      ],
    },
    'signal.send': { signals: [{ job_id: active, name: 'approval', payload: { ok: true }, id: 's-1' }] },
    'worker.ack': { ...owner, result: { a: 1 } },
    'worker.nack': { ...owner, error: { code: 'x', message: 'm', retryable: true }, delay_ms: 1 },
    'worker.heartbeat': { worker_id: 'keeper', ...beat },
    'worker.exchange': {
      worker_id: 'keeper',
      acks: [owner],
      nacks: [{ ...owner, error: { message: 'm' } }],
      beat,
      fetch,
    },
    'worker.progress': { ...owner, percentage: 50, ...report },
    'worker.register': { worker_id: 'newcomer', queues: [queue], concurrency: 5, hostname: 'h', ...beat },
    'worker.deregister': { worker_id: 'keeper' },
    'worker.direct': { directive: 'quiet', worker_ids: ['keeper'] },
    'admin.cancelJobs': { filter: { queue }, confirm: true },
    'admin.retryJobs': { filter: { states: ['discarded'], queue }, confirm: true },
    'admin.deleteJobs': { filter: { states: ['completed'], type: 'canary.*' }, confirm: true },
    'admin.setMaintenance': { enabled: true, reason: 'r', estimated_duration: 'PT30M' },
    'queue.create': { name: 'newcomer', config: { max_size: 10, concurrency: 2 } },
    'queue.configure': {
      concurrency: 2,
      backpressure: { max_depth: 10, strategy: 'reject', warning_threshold: 0.5 },
      rate_limit: rate,
      retention: { completed: 'P7D' },
    },
    'queue.limit': { concurrency: 2, rate },
    'limit.override': { concurrency: 2, rate, throttle: rate, expires_at: '2099-01-01T00:00:00Z' },
    'schema.register': { type: canaries.schema, version: 2, schema: { type: 'array' }, uri: 'urn:x:2', mode: 'warn' },
    'schema.put': { mode: 'warn', schema: { type: 'array' }, uri: 'urn:x:2' },
    'deadLetter.retryMany': { filter: { queue }, confirm: true },
    'workflow.create': {
      type: 'batch',
      name: 'newcomer',
      meta: { a: 1 },
      options: { priority: 1 },
      jobs: [job, { ...job, id: 'second' }],
      callbacks: { on_complete: job },
    },
    'cron.register': { name: 'newcomer', ...definition, ...job },
    'cron.update': { ...definition, args: [2] },
    'cron.preview': { expression: '* * * * *', timezone: 'UTC', count: 3 },
  };
  return bodies[name];
}

/** Bodies that may be left out, with an effect: what they say counts all the same. */
export function optionalBodyOf(name: OperationName, canaries: Canaries): object | undefined {
  const bodies: Partial<Record<OperationName, object>> = {
    'queue.delete': { strategy: 'reject' },
    'job.deleteCheckpoint': { worker_id: 'keeper' },
    'job.rerun': { meta: { a: 1 }, queue: canaries.queue, scheduled_at: '2099-01-01T00:00:00Z' },
    'deadLetter.retry': { override: { args: [2], meta: { a: 1 } } },
    'deadLetter.purge': { confirm: true, filter: { queue: canaries.queue } },
    'queue.purge': { states: ['completed'], older_than: '2099-01-01T00:00:00Z', confirm: true },
  };
  return bodies[name];
}

/** The request that would succeed. */
export function requestOf(name: OperationName, canaries: Canaries, route: Route = routeOf(name)): Request {
  const body = bodyOf(name, canaries);
  return {
    method: route.method,
    path: fillPath(route, paramsOf(name, canaries)),
    ...(body && { body: JSON.stringify(body) }),
  };
}
