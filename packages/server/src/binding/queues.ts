import { OjsFault, State } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { QueueRecord } from '../storage/storage.ts';
import { isQueueName } from './fields.ts';
import { pagination, readPage } from './queries.ts';
import { json, type Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';

/** GET /queues (ojs-http-binding §11.1). */
export async function listQueues(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const queues = (await engine.storage.registry.queues()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const cursor = readCursor(page.cursor);
  // Queues are listed by name, so the last name is where the next page begins, whatever was created meanwhile.
  const from = cursor === null ? page.offset : queues.findIndex(({ name }) => name > cursor);
  const shown = from < 0 ? [] : queues.slice(from, from + page.limit);
  const next = shown.length > 0 && from + shown.length < queues.length ? (shown.at(-1)?.name ?? null) : null;
  const items = shown.map(render);
  return json({ queues: items, pagination: pagination(page, queues.length, items.length, next) });
}

/** GET /queues/:name/stats (X20): counts are maintained by the storage. An unknown queue has zeros (digest §17). */
export async function queueStats(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const name = readName(params);
  const queue = (await engine.storage.registry.queues()).find((one) => one.name === name);
  const counts = countsOf(queue);
  const status = queue?.paused ? 'paused' : 'active';
  const paused = queue?.paused ?? false;
  return json({
    queue: { name, ...counts, paused },
    status,
    stats: { queue: name, depth: counts.available, ...counts },
    name,
    ...counts,
    paused,
    computed_at: new Date(engine.clock.now()).toISOString(),
  });
}

/** POST /queues/:name/pause and resume. A paused queue still accepts jobs (X19); pausing an unknown queue creates it. */
export async function pauseQueue(engine: Engine, { params }: BindingRequest, paused: boolean): Promise<Reply> {
  const now = engine.clock.now();
  const queue = await engine.storage.registry.pauseQueue(readName(params), paused, now);
  const at = paused ? 'paused_at' : 'resumed_at';
  return json({ queue: { name: queue.name, paused }, status: paused ? 'paused' : 'active', paused, [at]: new Date(now).toISOString() });
}

function readName(params: Readonly<Record<string, string>>): string {
  const name = params.name ?? '';
  if (!isQueueName(name))
    throw OjsFault.invalid([{ path: 'name', message: 'must match ^[a-z0-9][a-z0-9\\-.]*$ and have at most 128 characters' }]);
  return name;
}

function readCursor(cursor: string | null): string | null {
  if (cursor === null || isQueueName(cursor)) return cursor;
  throw OjsFault.invalid([{ path: 'cursor', message: 'is not a cursor of this list; expected the one that the previous page gave' }]);
}

function render(queue: QueueRecord): object {
  return {
    name: queue.name,
    status: queue.paused ? 'paused' : 'active',
    paused: queue.paused,
    created_at: new Date(queue.createdAt).toISOString(),
  };
}

function countsOf(queue: QueueRecord | undefined) {
  const count = (state: State) => queue?.counts[state] ?? 0;
  return {
    available: count(State.available),
    active: count(State.active),
    scheduled: count(State.scheduled),
    retryable: count(State.retryable),
    pending: count(State.pending),
    completed: count(State.completed),
    discarded: count(State.discarded),
    cancelled: count(State.cancelled),
    dead_letter: queue?.deadLetter ?? 0,
  };
}
