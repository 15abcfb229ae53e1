import type { Request } from '@ojs-ts/core/handlers';
import {
  countsOf,
  depthOf,
  json,
  missingName,
  notFound,
  type PlainReply,
  pageOfQueues,
  readPage,
  readQueueName,
  renderPause,
  renderQueue,
  renderQueueStats,
} from '@ojs-ts/core/requests';
import { midnight, QueueSums } from '@ojs-ts/core/statistics';
import type { Answers, Host } from './host.ts';
import type { Table } from './table.ts';

export const queueAnswers: Answers = {
  'queue.list': ({ storage }, { query }) => {
    const { queues, pagination } = pageOfQueues(storage.registry.queues(), readPage(query));
    return json({ queues: queues.map(renderQueue), pagination });
  },
  'queue.get': ({ storage }, { params }) => {
    const name = readQueueName(params.name);
    const [queue] = storage.registry.queues([name]);
    if (queue === undefined) throw notFound('queue', name, storage.tables.queues.keys());
    const counts = countsOf(queue);
    const shown = renderQueue(queue);
    const state = queue.paused ? 'paused' : 'active';
    return json({ ...shown, state, queue: { ...shown, ...counts }, counts, ...counts });
  },
  'queue.stats': ({ storage }, { params }) => stats(storage, readQueueName(params.name)),
  'queue.pause': (host, request) => pause(host, request, true),
  'queue.resume': (host, request) => pause(host, request, false),
};

function stats({ now, registry }: Table, name: string): PlainReply {
  const [queue = null] = registry.queues([name]);
  const sums = new QueueSums();
  for (const record of registry.statistics(sums.begin(midnight(now), now), undefined, [name])) sums.add(record, now);
  sums.end(now);
  return json(renderQueueStats(name, queue, { depth: depthOf(queue), max_depth: null }, sums.read(now), now));
}

/** A paused queue still accepts jobs; pausing an unknown queue creates it. */
function pause({ storage }: Host, { params, query }: Request, paused: boolean): PlainReply {
  const { now, registry } = storage;
  const name = readQueueName(params.name);
  const { queues } = storage.tables;
  const warnings = queues.has(name) ? [] : missingName('queue', name, query, queues.keys());
  return { ...json(renderPause(registry.pauseQueue(name, paused, now), now)), warnings };
}
