import type { BulkResult } from '@ojs-ts/core/bulk';
import { stateNames } from '@ojs-ts/core/job';
import { countsOf, readAdminPage, readQueuePurge } from '@ojs-ts/core/requests';
import type { QueueStatistics } from '@ojs-ts/core/statistics';
import type { Parts } from '../../engine/engine.ts';
import { readConfig } from '../../engine/queues/queue-settings.ts';
import { descriptionOf, healthOf, type KnownWorker } from '../../engine/workers/workers.ts';
import type { QueueRecord } from '../../storage/storage.ts';
import type { About, BindingRequest } from '../handler.ts';
import { renderConfig } from '../queues/config.ts';
import { oldestOf, queuesOf, readName, requireQueue } from '../queues/queues.ts';
import { json, type Reply } from '../reply.ts';
import { durationsOf } from './percentiles.ts';
import { throughputOf } from './statistics.ts';

type Engine = Parts<
  'bulk' | 'clock' | 'queueSettings' | 'queues' | 'settings' | 'statistics' | 'storage' | 'upkeep' | 'workers'
>;

/**
 * After so many milliseconds a purge answers, with `has_more`: the same call again continues. A call that has removed
 * nothing yet searches longer, or calls with `older_than` would never get behind many younger jobs.
 */
const purgeMs = 10_000;

/** GET /admin/queues (ojs-admin-api §6.1). */
export async function listQueues(engine: Engine, { query, access }: BindingRequest): Promise<Reply> {
  const { queues, pagination } = await queuesOf(engine, readAdminPage(query), access);
  const [oldest, workers] = await Promise.all([oldestOf(engine, queues), engine.workers.list()]);
  const running = readersOf(engine, workers);
  const statistics = await engine.statistics.each(queues.map(({ name }) => name));
  const items = queues.map((queue) => ({
    ...summarise(queue, oldest, statistics),
    workers: running.get(queue.name) ?? 0,
  }));
  return json({ items, pagination });
}

/** GET /admin/queues/:name (ojs-admin-api §6.2). */
export async function showQueue(engine: Engine, { params, access }: BindingRequest): Promise<Reply> {
  const queue = await requireQueue(engine, readName(params), access);
  const configuration = renderConfig(readConfig(queue.config), engine.settings.retention);
  return json({
    ...summarise(queue, await oldestOf(engine, [queue]), await engine.statistics.each([queue.name])),
    configuration,
  });
}

/**
 * DELETE /admin/queues/:name/jobs (ojs-admin-api §6.5), by a body or by the query. If the store fails after a part was
 * deleted, the answer has that part, and `has_more`.
 */
export async function purgeQueue(
  engine: Engine,
  { params, query, body, access }: BindingRequest,
  _: About,
  failed: (error: unknown) => void,
): Promise<Reply> {
  const name = readName(params);
  const filter = readQueuePurge(name, body, query, engine.clock.now());
  await requireQueue(engine, name, access);
  const until = performance.now() + purgeMs;
  let purged = 0;
  let more = true;
  let after: string | null = null;
  const isOver = () => purged > 0 && performance.now() >= until;
  do {
    try {
      const part: BulkResult = await engine.bulk.remove({ filter }, { from: filter.states }, { after, isOver });
      purged += part.items.filter(({ fault }) => fault === null).length;
      ({ more, next: after } = part);
    } catch (error) {
      if (purged === 0) throw error;
      failed(error);
      break;
    }
  } while (after !== null && !isOver());
  return json({ purged_count: purged, states: stateNames(filter.states), has_more: more });
}

/** Counts the workers that take jobs of each queue: those that live and have no order to stop. */
function readersOf(engine: Engine, workers: readonly KnownWorker[]): ReadonlyMap<string, number> {
  const now = engine.clock.now();
  const readers = new Map<string, number>();
  for (const worker of workers) {
    if (worker.state !== 'running' || healthOf(worker, now, engine.upkeep.since, engine.settings.deadAfterMs) !== 'ok')
      continue;
    const { queues } = descriptionOf(worker);
    for (const name of new Set(Array.isArray(queues) ? queues : [])) readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  return readers;
}

function summarise(
  queue: QueueRecord,
  oldest: ReadonlyMap<string, string>,
  statistics: ReadonlyMap<string, QueueStatistics>,
): object {
  const own = statistics.get(queue.name);
  return {
    name: queue.name,
    state: queue.paused ? 'paused' : 'active',
    paused: queue.paused,
    counts: countsOf(queue),
    oldest_available_at: oldest.get(queue.name) ?? null,
    ...(own && { throughput: throughputOf(own), ...durationsOf(own) }),
    created_at: new Date(queue.createdAt).toISOString(),
  };
}
