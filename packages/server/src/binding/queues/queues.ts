import { formatTimestamp, ProtocolError } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import {
  countsOf,
  depthOf,
  type PageQuery,
  pageOfQueues,
  readPage,
  readQueueName,
  renderPause,
  renderQueue,
  renderQueueStats,
  renderStatistics,
} from '@ojs-ts/core/requests';
import { readBody } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import { type Pressure, readConfig } from '../../engine/queues/queue-settings.ts';
import type { QueueRecord } from '../../storage/storage.ts';
import { durationsOf } from '../admin/percentiles.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, type Reply } from '../reply.ts';
import { readQueueChange, renderConfig } from './config.ts';
import { checkQueueName, unknownQueue } from './known-names.ts';

type Engine = Parts<'clock' | 'queueSettings' | 'queues' | 'settings' | 'statistics' | 'storage'>;

export const queueHandlers: Handlers<
  | 'queue.list'
  | 'queue.create'
  | 'queue.get'
  | 'queue.delete'
  | 'queue.config'
  | 'queue.configure'
  | 'queue.stats'
  | 'queue.pause'
  | 'queue.resume'
> = {
  'queue.list': listQueues,
  'queue.create': createQueue,
  'queue.get': getQueue,
  'queue.delete': deleteQueue,
  'queue.config': getConfig,
  'queue.configure': configureQueue,
  'queue.stats': queueStats,
  'queue.pause': (engine, request) => pauseQueue(engine, request, true),
  'queue.resume': (engine, request) => pauseQueue(engine, request, false),
};

/** GET /queues (ojs-http-binding §11.1). */
export async function listQueues(engine: Engine, { query, access }: BindingRequest): Promise<Reply> {
  const { queues, pagination } = await queuesOf(engine, readPage(query), access);
  return json({ queues: queues.map(renderQueue), pagination });
}

/** @param access leaves out queues that the caller may not see. */
export async function queuesOf(engine: Engine, page: PageQuery, access: BindingRequest['access']) {
  const known = await engine.queues.queues();
  return pageOfQueues(
    known.filter(({ name }) => access?.covers(name) !== false),
    page,
  );
}

/** POST /queues `{name, config}` (ojs-queue-config §9.2): a queue with its configuration before its first job. */
export async function createQueue(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { name, config = {} } = readBody('queue.create', request, 0);
  readQueueName(name);
  request.access?.queues([name]);
  const change = readQueueChange(config, name, engine.settings.retention);
  if ((await engine.queueSettings.find(name)) !== null) {
    throw new ProtocolError('conflict', `Queue ${name} exists already; PUT /ojs/v1/queues/${name}/config changes it.`, {
      queue: name,
    });
  }
  return { ...(await detail(engine, await engine.queueSettings.configure(name, change))), status: 201 };
}

/**
 * GET /queues/:name in every shape of published clients: nested and flat (ojs-queue-config §9.3, ojs-admin-api §6.2).
 */
export async function getQueue(engine: Engine, { params, access }: BindingRequest): Promise<Reply> {
  return detail(engine, await requireQueue(engine, readName(params), access));
}

/** DELETE /queues/:name with the strategy `reject`: deletes only a queue without jobs. */
export async function deleteQueue(engine: Engine, request: BindingRequest): Promise<Reply> {
  const name = readName(request.params);
  const sent = readBody('queue.delete', request, 0);
  const strategy = request.query.strategy ?? sent.strategy ?? 'reject';
  if (strategy !== 'reject')
    throw new ProtocolError('unsupported', `strategy: expected reject, got ${JSON.stringify(strategy)}.`, {
      field: 'strategy',
    });
  const queue = await requireQueue(engine, name, request.access);
  if (!(await engine.queueSettings.remove(queue))) {
    const counts = countsOf(await engine.queueSettings.find(name));
    throw new ProtocolError(
      'conflict',
      `Queue ${name} holds jobs; only a queue without any, finished ones included, can be deleted.`,
      {
        queue: name,
        counts,
      },
    );
  }
  return json({ queue: name, name, strategy, jobs_affected: 0, state: 'deleted', deleted: true });
}

/** GET /queues/:name/config. */
export async function getConfig(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const name = readName(params);
  return configured(engine, await engine.queueSettings.find(name), name);
}

/** PUT /queues/:name/config: applies at once, also to waiting jobs. Creates a missing queue. */
export async function configureQueue(engine: Engine, request: BindingRequest): Promise<Reply> {
  const name = readName(request.params);
  const sent = readBody('queue.configure', request, 0);
  const change = readQueueChange(sent.config ?? sent, name, engine.settings.retention);
  const warnings = await checkQueueName(engine, name, request);
  return { ...(await configured(engine, await engine.queueSettings.configure(name, change), name)), warnings };
}

/** GET /queues/:name/stats: stored counts and sums. An unknown queue has zeros. */
export async function queueStats(engine: Engine, { params, quirk }: BindingRequest): Promise<Reply> {
  const name = readName(params);
  const [queue, statistics] = await Promise.all([engine.queueSettings.find(name), engine.statistics.of(name)]);
  const shown = renderQueueStats(name, queue, sizes(queue), statistics, engine.clock.now());
  return json(quirk === 'plain names' ? { ...shown, queue: name } : shown);
}

/** POST /queues/:name/pause and resume. A paused queue still accepts jobs; pausing an unknown queue creates it. */
export async function pauseQueue(engine: Engine, request: BindingRequest, paused: boolean): Promise<Reply> {
  const { params, quirk } = request;
  const name = readName(params);
  const warnings = await checkQueueName(engine, name, request);
  const now = engine.clock.now();
  const queue = await engine.storage.registry.pauseQueue(name, paused, now);
  const shown = renderPause(queue, now);
  return { ...json(quirk === 'plain names' ? { ...shown, queue: name } : shown), warnings };
}

/** Headers of a successful enqueue into a queue that is filling up (ojs-backpressure §7.3). */
export function pressureHeaders({ depth, bound }: Pressure): Readonly<Record<string, string>> {
  return {
    'x-ojs-queue-depth': String(depth),
    'x-ojs-queue-bound': String(bound),
    'x-ojs-queue-pressure': String(Math.min(1, Math.round((100 * depth) / bound) / 100)),
  };
}

/** @throws ProtocolError `not_found` */
export async function requireQueue(
  engine: Engine,
  name: string,
  access: BindingRequest['access'],
): Promise<QueueRecord> {
  const queue = await engine.queueSettings.find(name);
  if (queue === null) throw await unknownQueue(engine, name, access);
  return queue;
}

/** When the job that has been available longest became available, by queue. Queues without such a job are left out. */
export async function oldestOf(engine: Engine, queues: readonly QueueRecord[]): Promise<ReadonlyMap<string, string>> {
  const waiting = queues.filter(({ counts }) => (counts[State.available] ?? 0) > 0);
  const oldest = await engine.queues.oldest(waiting.map(({ name }) => name));
  return new Map(oldest.map(({ queue, enqueuedAt }) => [queue, formatTimestamp(enqueuedAt)]));
}

async function detail(engine: Engine, queue: QueueRecord): Promise<Reply> {
  const { name, paused } = queue;
  const oldest = await oldestOf(engine, [queue]);
  const counts = countsOf(queue);
  const config = renderConfig(readConfig(queue.config), engine.settings.retention);
  const statistics = await engine.statistics.of(name);
  const rendered = { ...renderQueue(queue), state: paused ? 'paused' : 'active', config };
  return json({
    ...rendered,
    queue: { ...rendered, ...counts },
    configuration: config,
    counts,
    ...counts,
    oldest_available_at: oldest.get(name) ?? null,
    stats: { queue: name, ...sizes(queue), ...counts, ...renderStatistics(statistics), ...durationsOf(statistics) },
  });
}

function configured(engine: Engine, queue: QueueRecord | null, name: string): Reply {
  const config = renderConfig(readConfig(queue?.config ?? '{}'), engine.settings.retention);
  return json({ queue: name, name, config, ...config });
}

/** `depth` is what the bound counts: jobs that wait or will return (ojs-backpressure §5). */
function sizes(queue: QueueRecord | null): { readonly depth: number; readonly max_depth: number | null } {
  return {
    depth: depthOf(queue),
    max_depth: queue === null ? null : (readConfig(queue.config).maxDepth ?? null),
  };
}

export function readName({ name }: Readonly<Record<string, string>>): string {
  return readQueueName(name);
}
