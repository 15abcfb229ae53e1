import { isObject, ProtocolError } from '@ojs-ts/core';
import { type Grant, payloadFilter } from '@ojs-ts/core/access';
import type { Json } from '@ojs-ts/core/job';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import { isPayload, parsePlace, parseQuery, readsPayload } from '@ojs-ts/core/query';
import type { BindingRequest } from './handler.ts';
import type { Reply } from './reply.ts';

/** The answer without what the caller may not see of jobs. */
export function shownTo(grant: Grant, operation: OperationName, reply: Reply): Reply {
  const filter = operations[operation].payload === 'none' ? null : payloadFilter(grant);
  if (filter === null) return reply;
  const { text, chunks } = reply;
  return chunks ? { ...reply, chunks: mapped(chunks, filter) } : { ...reply, text: filter(text) };
}

async function* mapped(chunks: AsyncIterable<Json>, filter: (text: Json) => Json): AsyncGenerator<Json> {
  for await (const chunk of chunks) yield filter(chunk);
}

/**
 * @throws ProtocolError `permission_denied` for a search or a count by values that the caller may not see: it would
 * reveal them.
 */
export function checkSearch(
  operation: OperationName,
  grant: Grant,
  query: BindingRequest['query'],
  body: unknown,
): void {
  if (payloadFilter(grant) === null || !(searches(query) || filters(operation, body))) return;
  const message =
    'The token may not see arguments, meta or results as they are, so it may not search or count by them, ' +
    'or by unique keys.';
  throw new ProtocolError('permission_denied', message);
}

function searches({ args, q = '', by = '' }: BindingRequest['query']): boolean {
  return args !== undefined || (q !== '' && readsPayload(parseQuery(q))) || (by !== '' && isPayload(parsePlace(by)));
}

/** Reports whether a bulk operation selects jobs by their arguments, meta or results. */
export function searchesPayload(query: string | null, filter: unknown): boolean {
  return (query !== null && query !== '' && readsPayload(parseQuery(query))) || isPayloadFilter(filter);
}

/** Reports whether the filter of a change of many jobs is by arguments or meta: its answer reveals which jobs match. */
function filters(operation: OperationName, body: unknown): boolean {
  if (!isObject(body)) return false;
  if (operation === 'bulk.start')
    return searchesPayload(typeof body.query === 'string' ? body.query : null, body.filter);
  return isPayloadFilter(body.filter) || (operations[operation].filters === true && isPayloadFilter(body));
}

function isPayloadFilter(filter: unknown): boolean {
  return isObject(filter) && ((filter.args ?? null) !== null || (filter.meta ?? null) !== null);
}
