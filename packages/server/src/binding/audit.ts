import { formatTimestamp, isCronName, members, ProtocolError } from '@ojs-ts/core';
import { accessEvents, withoutPayload } from '@ojs-ts/core/access';
import { definitionOf } from '@ojs-ts/core/cron';
import { type JobRecord, type Json, State, stateName } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import { Fields, readPage } from '@ojs-ts/core/requests';
import { readQuery, requests } from '@ojs-ts/core/schemas';
import type { NewAuditEntry } from '../engine/access/audit.ts';
import type { Parts } from '../engine/engine.ts';
import { readConfig } from '../engine/queues/queue-settings.ts';
import { type BindingRequest, callerName, type Handlers } from './handler.ts';
import { searchesPayload } from './payloads.ts';
import { ok, type Reply } from './reply.ts';

type Engine = Parts<'audit' | 'crons' | 'jobs' | 'queueSettings' | 'storage'>;

export const auditHandlers: Handlers<'audit.list'> = { 'audit.list': listAudit };

/** Bytes of a request that an entry has, and characters of a message. */
const maxRequest = 16_384;
const maxMessage = 2_000;

/** GET /admin/audit?id&type&principal&about&since&until: newest first. */
async function listAudit(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query, 50, 1_000);
  const { id = null, type = null, principal = null, about = null, ...sent } = readQuery('audit.list', query, 0);
  const { since = null, until = null, cursor = null } = sent;
  const filter = { id, type, principal, about, since, until, cursor };
  const { items, next, scanned } = await engine.audit.read({ ...filter, limit: page.limit });
  const shown = items.map(({ id, entry }) => `{"id":"${id}",${entry.slice(1)}`);
  const end = { limit: page.limit, has_more: next !== null, ...(next !== null && { next_cursor: next }) };
  return ok(`{"items":[${shown.join(',')}],"scanned":${scanned},"pagination":${JSON.stringify(end)}}`);
}

/** Runs a call, and writes its entry of the audit log. @param type the type of the entry. */
export async function audited(
  engine: Engine,
  operation: OperationName,
  type: string,
  request: BindingRequest,
  work: () => Reply | Promise<Reply>,
): Promise<Reply> {
  const before = await standing(engine, operation, request);
  const reply = await work();
  // A dry run changes nothing.
  if (reply.status >= 400 || (operation === 'bulk.start' && reply.status === 200)) return reply;
  // The work is done, so its answer does not depend on this.
  const after = await standing(engine, operation, request).catch(() => null);
  const detail = {
    operation,
    ...request.params,
    ...asked(request),
    ...(before !== null && { before }),
    ...(after !== null && { after }),
    ...(operation.startsWith('bulk.') ? operationIn(reply.text) : {}),
    ...summaryOf(reply.text),
    ...((operation === 'job.rerun' || operation === 'job.undo') && { new_job_id: Fields.parse(reply.text).id }),
  };
  await engine.audit.record({ ...callerOf(request), event_type: type, outcome: 'success', detail });
  return reply;
}

/**
 * Writes an entry for a failed call if calls of its kind have entries, or if the caller lacks the right. A caller
 * without a token leaves no entry: anybody could fill the store. A caller with one cannot fill it either, because the
 * entry has no body, and the same failure is entered once per minute. After an error of the server a part of the call
 * may be done, so then the entry has the body.
 */
export async function auditRefusal(
  engine: Engine,
  operation: OperationName,
  request: BindingRequest,
  fault: ProtocolError,
): Promise<void> {
  if (fault.code === 'unauthenticated') return;
  const isDenied = fault.code === 'permission_denied';
  const type = isDenied ? accessEvents.denied : requests[operation].audit;
  const caller = callerOf(request);
  if (type === undefined) return;
  const suppressed = engine.audit.suppressed(caller.principal, operation, fault.code);
  if (suppressed === null) return;
  const detail = {
    operation,
    ...request.params,
    error: fault.code,
    message: fault.message.slice(0, maxMessage),
    ...(fault.kind.status >= 500 && { ...asked(request), done: 'unknown' }),
    ...(suppressed > 0 && { not_entered: suppressed }),
  };
  await engine.audit.record({ ...caller, event_type: type, outcome: 'failure', detail });
}

/**
 * Enters a stream, a WebSocket or a subscription that a caller may not have. No caller waits for the entry.
 * @param stream its path with placeholders.
 */
export function auditStreamRefusal(engine: Engine, request: Caller, stream: string, error: unknown): void {
  if (!(error instanceof ProtocolError) || error.code !== 'permission_denied') return;
  const caller = callerOf(request);
  const suppressed = engine.audit.suppressed(caller.principal, stream, error.code);
  if (suppressed === null) return;
  const detail = {
    stream,
    error: error.code,
    message: error.message.slice(0, maxMessage),
    ...(suppressed > 0 && { not_entered: suppressed }),
  };
  // Never rejects.
  void engine.audit.record({ ...caller, event_type: accessEvents.denied, outcome: 'failure', detail });
}

/** Who calls. */
export type Caller = Pick<BindingRequest, 'owner' | 'address' | 'requestId'>;

function callerOf(request: Caller): Pick<NewAuditEntry, 'principal' | 'source_ip' | 'correlation_id'> {
  return {
    principal: callerName(request),
    source_ip: request.address ?? null,
    correlation_id: request.requestId,
  };
}

/** The caller's request, without arguments and results. */
function asked({ body, query }: BindingRequest): object {
  const read =
    Object.keys(query).length > 0
      ? { query: withoutPayload(Object.fromEntries(Object.entries(query).map(searched))) }
      : {};
  if (body === undefined || body === '') return read;
  try {
    const request = withoutPayload(Fields.parse(body));
    return { ...read, ...shortened(Object.entries(request ?? {}).map(searched)) };
  } catch {
    return read;
  }
}

/** A query may have an argument of a job. */
function searched([name, value]: readonly [string, unknown]): readonly [string, unknown] {
  const isQuery = (name === 'q' || name === 'query') && typeof value === 'string';
  return [name, isQuery && mayTellPayload(value) ? '[hidden]' : value];
}

/** A query that cannot be read may contain anything. */
function mayTellPayload(query: string): boolean {
  try {
    return searchesPayload(query, null);
  } catch {
    return true;
  }
}

/** The members that fit into an entry, and of a list its beginning. */
function shortened(members: readonly (readonly [string, unknown])[]): object {
  const request: Record<string, unknown> = {};
  let left = maxRequest;
  let isWhole = true;
  const fits = (value: unknown) => {
    const bytes = Buffer.byteLength(JSON.stringify(value)) + 1;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  };
  for (const [name, value] of members) {
    if (!Array.isArray(value)) {
      if (fits([name, value])) request[name] = value;
      else isWhole = false;
      continue;
    }
    if (!fits([name, []])) {
      isWhole = false;
      continue;
    }
    const end = value.findIndex((one) => !fits(one));
    request[name] = end === -1 ? value : value.slice(0, end);
    if (end !== -1) isWhole = false;
  }
  return { request, ...(!isWhole && { truncated: true }) };
}

const countNames = ['summary', 'purged_count', 'total_matched', 'succeeded', 'failed', 'has_more'];
/** The longest answer that is searched for counts, in characters; an answer about 10,000 jobs is shorter. */
const maxAnswer = 8_000_000;

/** The counts of a change of many jobs. */
function summaryOf(text: Json): object {
  if (!text.startsWith('{') || text.length > maxAnswer) return {};
  const found = members(text);
  const counts = countNames.flatMap((name) => {
    const count = found.get(name);
    return count === undefined ? [] : [[name, JSON.parse(count)]];
  });
  return Object.fromEntries(counts);
}

/** The members that an edit may change, besides args and meta. */
function settingsOf(job: JobRecord): object {
  const sent = members(job.envelope);
  const value = (member: string): unknown => JSON.parse(sent.get(member) ?? 'null');
  return {
    state: stateName(job.state),
    priority: job.priority,
    ...(job.state !== State.available && { scheduled_at: formatTimestamp(job.runAt) }),
    timeout_ms: value('timeout_ms'),
    max_attempts: value('max_attempts'),
    retry: value('retry'),
    tags: value('tags'),
  };
}

/** The id of the bulk operation that the call began, which undoes it. */
function operationIn(text: Json): object {
  const { id, matched }: { readonly id?: unknown; readonly matched?: unknown } = JSON.parse(text);
  return { ...(typeof id === 'string' && { bulk_id: id }), ...(typeof matched === 'number' && { matched }) };
}

/** Returns the current values that the call changes, without arguments; null if there is nothing to compare. */
async function standing(engine: Engine, operation: OperationName, { params }: BindingRequest): Promise<unknown> {
  const { name = '', key = '', id = '' } = params;
  if (operation === 'job.edit') {
    const job = await engine.jobs.get(id);
    return job === null ? null : settingsOf(job);
  }
  if (operation.startsWith('queue.') && name !== '') {
    const queue = await engine.queueSettings.find(name);
    return queue === null ? null : { paused: queue.paused, ...readConfig(queue.config) };
  }
  if (operation.startsWith('limit.')) return (await engine.storage.registry.limit(key))?.override ?? null;
  if (operation.startsWith('cron.') && isCronName(name)) {
    const cron = await engine.crons.find(name);
    if (cron === null) return null;
    const { enqueue: _, pausedAt, ...definition } = definitionOf(cron.spec);
    return { ...definition, paused_at: pausedAt === null ? null : formatTimestamp(pausedAt) };
  }
  return null;
}
