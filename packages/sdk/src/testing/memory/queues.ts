import { ProtocolError } from '@ojs-ts/core';
import {
  countsOf,
  depthOf,
  json,
  missingName,
  type PlainReply,
  pageOfQueues,
  readPage,
  readQueueName,
  renderPause,
  renderQueue,
  renderQueueStats,
} from '@ojs-ts/core/requests';
import { midnight, QueueSums } from '@ojs-ts/core/statistics';
import type { Answers, Request } from './reply.ts';
import type { Table } from './table.ts';

export function queueAnswers(table: Table): Answers {
  return {
    'queue.list': ({ query }) => {
      const { queues, pagination } = pageOfQueues(table.registry.queues(), readPage(query));
      return json({ queues: queues.map(renderQueue), pagination });
    },
    'queue.get': ({ params }) => {
      const name = readQueueName(params.name);
      const [queue] = table.registry.queues([name]);
      if (queue === undefined)
        throw new ProtocolError('not_found', 'There is no queue with this name.', { queue: name });
      const counts = countsOf(queue);
      const shown = renderQueue(queue);
      const state = queue.paused ? 'paused' : 'active';
      return json({ ...shown, state, queue: { ...shown, ...counts }, counts, ...counts });
    },
    'queue.stats': ({ params }) => stats(table, readQueueName(params.name)),
    'queue.pause': (call) => pause(table, call, true),
    'queue.resume': (call) => pause(table, call, false),
  };
}

function stats(table: Table, name: string): PlainReply {
  const { now, registry } = table;
  const [queue = null] = registry.queues([name]);
  const sums = new QueueSums();
  for (const record of registry.statistics(sums.begin(midnight(now), now), undefined, [name])) sums.add(record, now);
  sums.end(now);
  return json(renderQueueStats(name, queue, { depth: depthOf(queue), max_depth: null }, sums.read(now), now));
}

/** A paused queue still accepts jobs; pausing an unknown queue creates it. */
function pause(table: Table, { params, query }: Request, paused: boolean): PlainReply {
  const { now, registry } = table;
  const name = readQueueName(params.name);
  const { queues } = table.tables;
  const warnings = queues.has(name) ? [] : missingName('queue', name, query, queues.keys());
  const shown = renderPause(registry.pauseQueue(name, paused, now), now);
  return json({ ...shown, ...(warnings.length > 0 && { warnings }) });
}
