import { ProtocolError } from '@ojs-ts/core';
import type { QueueMap } from '../connection/queue-map.ts';

/**
 * The place of the shard that has all the queues.
 * @param what whose queues must be in one namespace: the beginning of the message.
 * @throws ProtocolError `unsupported` that says which queue is where.
 */
export function oneShard(map: QueueMap, queues: Iterable<string>, what: string): number {
  const places = new Map([...new Set(queues)].map((queue) => [queue, map.indexOf(queue)]));
  const [first = map.rest, ...others] = new Set(places.values());
  if (others.length === 0) return first;
  const namespaces = Object.fromEntries([...places].map(([queue, place]) => [queue, map.namespaces[place]]));
  const list = Object.entries(namespaces)
    .slice(0, 10)
    .map(([queue, name]) => `${queue} in ${name}`);
  throw new ProtocolError(
    'unsupported',
    `${what} in one namespace, since a commit cannot span two: ${list.join(', ')}${places.size > 10 ? ' …' : ''}.`,
    { namespaces },
  );
}

/** @throws ProtocolError `unsupported`: the job would move to a queue of another namespace. */
export function refuseQueue(map: QueueMap, place: number, queue: string): never {
  const [from, to] = [map.namespaces[place], map.namespaces[map.indexOf(queue)]];
  throw new ProtocolError(
    'unsupported',
    `The job is in namespace ${from}, and ${queue} in namespace ${to}: a job stays in its namespace.`,
    {
      queue,
      namespace: to,
    },
  );
}

/** @throws ProtocolError `unsupported`: the limit counts in another namespace. */
export function refuseLimit(key: string, here: string, there: string): never {
  throw new ProtocolError(
    'unsupported',
    `The limit ${key} is counted in namespace ${there}, and this queue is in namespace ${here}: ` +
      `use another key, or a queue of namespace ${there}.`,
    { key, namespace: there },
  );
}
