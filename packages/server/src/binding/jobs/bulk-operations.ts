import { ProtocolError } from '@ojs-ts/core';
import { coversEveryQueue, type Grant, grants, lacksRight, payloadFilter } from '@ojs-ts/core/access';
import {
  type BulkActor,
  type BulkOperation,
  type BulkOperationRequest,
  deletesJobs,
  readBulkOperation,
  renderBulkOperation,
} from '@ojs-ts/core/bulk';
import type { Json } from '@ojs-ts/core/job';
import { pagination, readPage, requireBody } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import { type BindingRequest, callerName, type Handlers } from '../handler.ts';
import { Ids } from '../ids.ts';
import { searchesPayload } from '../payloads.ts';
import { json, ok, type Reply } from '../reply.ts';

type Engine = Parts<'bulkOperations' | 'clock'>;

export const bulkOperationHandlers: Handlers<
  'bulk.start' | 'bulk.list' | 'bulk.get' | 'bulk.stop' | 'bulk.resume' | 'bulk.undo'
> = {
  'bulk.start': start,
  'bulk.list': list,
  'bulk.get': async (engine, request) =>
    reply(engine, request, await engine.bulkOperations.get(request.params.id ?? '')),
  'bulk.stop': async (engine, request) =>
    reply(engine, request, await engine.bulkOperations.stop(request.params.id ?? '')),
  'bulk.resume': resume,
  'bulk.undo': async (engine, request) =>
    reply(engine, request, await engine.bulkOperations.undo(request.params.id ?? '', actorOf(request)), 202),
};

/** Who calls, as an operation remembers it. */
function actorOf(request: BindingRequest): BulkActor {
  const { grant } = request;
  const queues = grant === undefined || coversEveryQueue(grant) ? null : grant.queues;
  return { name: callerName(request), queues };
}

/**
 * POST /admin/bulk `{action, query, filter, changes, rate, dry_run, confirm}`: counts first. With `dry_run` that is
 * all, and the answer has the ids of some jobs.
 */
async function start(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { access, grant, body, value } = request;
  const asked = readBulkOperation(requireBody(body), value, engine.clock.now());
  const { action, selection, filter, changes, rate, dryRun } = asked;
  checkPurge(action, grant);
  access?.chosen(filter.queue === undefined ? [] : [filter.queue]);
  // The queue of a rerun's new jobs needs the right as well.
  if (changes.queue !== undefined) access?.queues([String(JSON.parse(changes.queue))]);
  const ids = new Ids(engine, request.key, 'bulk');
  const id = ids.next();
  const known = request.key === null || dryRun ? null : await engine.bulkOperations.find(id);
  if (known !== null) return reply(engine, request, checkSame(known, asked), 202);
  const { matched, isLowerBound, sample } = await engine.bulkOperations.count(filter);
  if (dryRun) return json({ dry_run: true, action, matched, matched_is_lower_bound: isLowerBound, sample });
  const about = { id, action, selection, changes, rate, matched, isLowerBound, actor: actorOf(request) };
  const begun = await engine.bulkOperations.start({ ...about, queue: filter.queue ?? null });
  return reply(engine, request, checkSame(begun, asked), 202);
}

/** @throws ProtocolError `idempotency_conflict` where the key came with another request before. */
function checkSame(known: BulkOperation, { action, selection, changes }: BulkOperationRequest): BulkOperation {
  const of = (one: Pick<BulkOperation, 'action' | 'selection' | 'changes'>) =>
    JSON.stringify([one.action, one.selection.query, one.selection.filter, Object.entries(one.changes)]);
  if (of(known) === of({ action, selection, changes })) return known;
  const message = 'This idempotency key came with another bulk operation before; nothing was started.';
  throw new ProtocolError('idempotency_conflict', message, { id: known.id });
}

/** POST /admin/bulk/:id/resume. */
async function resume(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { id = '' } = request.params;
  checkPurge((await engine.bulkOperations.get(id)).action, request.grant);
  return reply(engine, request, await engine.bulkOperations.resume(id, actorOf(request)));
}

/** GET /admin/bulk: the newest first. */
async function list(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { query, access } = request;
  const page = readPage(query);
  const all = (await engine.bulkOperations.list()).filter(
    ({ queue }) => access === undefined || (queue !== null && access.covers(queue)),
  );
  const from = page.cursor === null ? page.offset : all.findIndex(({ id }) => id === page.cursor) + 1;
  if (page.cursor !== null && from === 0) {
    const message = 'must be the next_cursor of an answer, whose operation was not forgotten since';
    throw ProtocolError.invalid([{ path: 'query.cursor', message }]);
  }
  const shown = all.slice(from, from + page.limit);
  const next = from + shown.length < all.length ? (shown.at(-1)?.id ?? null) : null;
  const items = shown.map((one) => render(engine, request, one)).join(',');
  return ok(`{"items":[${items}],"pagination":${JSON.stringify(pagination(page, all.length, shown.length, next))}}`);
}

function reply(engine: Engine, request: BindingRequest, operation: BulkOperation, status = 200): Reply {
  return { status, text: render(engine, request, operation) };
}

/** Texts that were searched for in arguments and meta are only for callers who may see those. */
function render(engine: Engine, { grant }: BindingRequest, operation: BulkOperation): Json {
  const { query, filter } = operation.selection;
  const isHidden = payloadFilter(grant) !== null && searchesPayload(query, filter === null ? null : JSON.parse(filter));
  return renderBulkOperation(operation, engine.clock.now(), isHidden);
}

/** @throws ProtocolError `permission_denied` for a deletion by a token that may only change jobs. */
function checkPurge(action: BulkOperation['action'], grant: Grant | undefined): void {
  if (deletesJobs(action) && grant !== undefined && !grants(grant, 'purge')) throw lacksRight(grant, 'purge');
}
