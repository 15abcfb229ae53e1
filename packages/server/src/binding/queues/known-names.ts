import type { ProtocolError } from '@ojs-ts/core';
import { queueLimitKey, type Warning } from '@ojs-ts/core/job';
import { missingName, notFound } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest } from '../handler.ts';

type Engine = Parts<'queueSettings' | 'storage'>;

/** Names that are compared with a wrong one: about a tenth of a second. */
const maxCompared = 10_000;
const page = 1_000;

type Asked = Pick<BindingRequest, 'query'>;

/** Before a change of a queue. @throws ProtocolError as core's `missingName` */
export async function checkQueueName(engine: Engine, name: string, { query }: Asked): Promise<readonly Warning[]> {
  if ((await engine.queueSettings.find(name)) !== null) return [];
  const queues = await engine.storage.registry.queues();
  return missingName(
    'queue',
    name,
    query,
    queues.slice(0, maxCompared).map((queue) => queue.name),
  );
}

/**
 * Before a change of a limit; that of a queue is known with its queue. @throws ProtocolError as core's `missingName`
 */
export async function checkLimitKey(engine: Engine, key: string, asked: Asked): Promise<readonly Warning[]> {
  if ((await engine.storage.registry.limit(key)) !== null) return [];
  const prefix = queueLimitKey('');
  if (key.startsWith(prefix)) return checkQueueName(engine, key.slice(prefix.length), asked);
  return missingName('limit', key, asked.query, await keysOf(engine));
}

/** The error for a queue that is read. Only the caller's own queues are compared. */
export async function unknownQueue(
  { storage }: Parts<'storage'>,
  name: string,
  access: BindingRequest['access'],
): Promise<ProtocolError> {
  const names = (await storage.registry.queues()).map((queue) => queue.name);
  return notFound('queue', name, access === undefined ? names : names.filter((one) => access.covers(one)));
}

/** The error for a limit that is read. */
export async function unknownLimit({ storage }: Parts<'storage'>, key: string): Promise<ProtocolError> {
  const { items } = await storage.registry.limits({ limit: page });
  return notFound(
    'limit',
    key,
    items.map((limit) => limit.key),
  );
}

async function keysOf({ storage }: Engine): Promise<readonly string[]> {
  const keys: string[] = [];
  let found = await storage.registry.limits({ limit: page });
  for (;;) {
    keys.push(...found.items.map(({ key }) => key));
    if (found.next === null || keys.length >= maxCompared) return keys;
    found = await storage.registry.limits({ limit: page, after: found.next });
  }
}
