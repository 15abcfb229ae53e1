import { CronRecords } from '@ojs-ts/core/cron';
import { cronDestination, nodeDestination } from '@ojs-ts/core/job';
import { type QueueMap, readQueueMap } from '../connection/queue-map.ts';
import type { Namespace } from '../namespace.ts';
import type { Shards } from './shards.ts';

/** Most queues that a message names. */
const maxListed = 5;
const page = 200;

/**
 * Notes the map in every shard. A map that differs from the former one is adopted only where every queue, cron and
 * workflow stays where it is.
 * @param open opens a namespace of the former map that the new one does not have.
 * @throws Error that says what the new map would not find, and what to do.
 */
export async function adoptMap(shards: Shards, open: (name: string) => Namespace, now: number): Promise<void> {
  const { map, all } = shards;
  const before = await shards.each((shard) => shard.map());
  const isAlone = map.namespaces.length === 1;
  if (before.every((one) => one === map.text || (isAlone && one === null))) return;
  for (const former of new Set(before)) if (former !== null) await checkFormer(map, readQueueMap(former), open);
  const isKnown = (name: string) => before.some((one) => one !== null && readQueueMap(one).namespaces.includes(name));
  for (const shard of all) {
    if (shard !== shards.home && !isKnown(shard.name)) await checkNew(shard);
    await checkQueues(map, shard);
    await checkCrons(map, shard, now);
    await checkWorkflows(map, shard, now);
  }
  // The home comes last: a start that breaks off in between leaves the former map there, so the next start checks
  // again.
  for (const shard of all.toReversed()) await shard.setMap(map.text);
}

async function checkFormer(map: QueueMap, former: QueueMap, open: (name: string) => Namespace): Promise<void> {
  if (former.home !== map.home) {
    throw refused(
      map,
      `the home of this store, with its records, workers and events, is namespace ${former.home}; ` +
        'it must stay the first one',
    );
  }
  for (const name of former.namespaces) {
    if (map.namespaces.includes(name)) continue;
    await using shard = open(name);
    const queues = await shard.registry.queues();
    if (queues.length > 0)
      throw refused(map, `${listOf(queues)} in namespace ${name}, and leaves that namespace out; ${advice(name)}`);
    if ((await new CronRecords(shard.records).list()).length > 0)
      throw refused(map, `namespace ${name} has crons, and is not in the map; remove the crons first`);
    await shard.setMap(null);
  }
}

/** A namespace that was a store by itself may have more than queues. */
async function checkNew(shard: Namespace): Promise<void> {
  const { newest } = await shard.events(0, 0);
  const queues = await shard.registry.queues();
  if (newest === 0 && queues.length === 0) return;
  throw new Error(
    `Namespace ${shard.name} was used before as a store by itself: ` +
      'only the first namespace of a map may have been, so give it another name.',
  );
}

async function checkQueues(map: QueueMap, shard: Namespace): Promise<void> {
  const strays = (await shard.registry.queues()).filter(({ name }) => nameOf(map, name) !== shard.name);
  if (strays.length > 0) throw refused(map, `${listOf(strays)} in namespace ${shard.name}; ${advice(shard.name)}`);
}

async function checkCrons(map: QueueMap, shard: Namespace, now: number): Promise<void> {
  for (const { name, spec } of await new CronRecords(shard.records).list()) {
    const queue = cronDestination(spec, now)?.queue;
    if (queue === undefined || nameOf(map, queue) === shard.name) continue;
    throw refused(
      map,
      `cron ${name} in namespace ${shard.name} is for queue ${queue}; ` +
        'remove the cron, start with the new map and register it again',
    );
  }
}

/** Steps that are still waiting have no queue yet: their spec names it. */
async function checkWorkflows(map: QueueMap, shard: Namespace, now: number): Promise<void> {
  for (let after: string | undefined; ; ) {
    const { items, next } = await shard.workflows.list({
      states: ['running'],
      ...(after !== undefined && { after }),
      limit: page,
    });
    for (const workflow of items) {
      for (let last = -1; ; ) {
        const nodes = await shard.workflows.nodes(workflow.id, last, page);
        const stray = nodes
          .filter(({ state }) => state === 'waiting')
          .map((node) => nodeDestination(workflow, node, now)?.queue)
          .find((queue) => queue !== undefined && nameOf(map, queue) !== shard.name);
        if (stray !== undefined) {
          throw refused(
            map,
            `workflow ${workflow.id} in namespace ${shard.name} has steps for queue ${stray} to come; ` +
              'let it end, or cancel it, first',
          );
        }
        last = nodes.at(-1)?.index ?? last;
        if (nodes.length < page) break;
      }
    }
    if (next === null) return;
    after = next;
  }
}

function nameOf(map: QueueMap, queue: string): string {
  return map.namespaces[map.indexOf(queue)] ?? map.home;
}

function listOf(queues: readonly { readonly name: string }[]): string {
  const names = queues.slice(0, maxListed).map(({ name }) => name);
  const more = queues.length > maxListed ? ` and ${queues.length - maxListed} more` : '';
  return queues.length > 1
    ? `the map moves queues ${names.join(', ')}${more}, which are`
    : `the map moves queue ${names.join()}, which is`;
}

function advice(name: string): string {
  return (
    `keep them in ${name}, or, with the former map, ` +
    'let their jobs end and be pruned and delete the queues (DELETE ' +
    '/ojs/v1/queues/NAME) before you start with this one'
  );
}

function refused(map: QueueMap, why: string): Error {
  return new Error(`namespaces=${map.text} does not fit what is stored: ${why}.`);
}
