import {
  type Grant,
  type Json,
  type OperationName,
  ProtocolError,
  parseQuery,
  payloadFilter,
  readsPayload,
} from '@ojs-ts/core';
import type { BindingRequest } from './handler.ts';
import type { Reply } from './reply.ts';

/** Operations whose answers have jobs, or templates of jobs. Statistics have other members of these names. */
const showsJobs = /^(?:(?:job|bulk|deadLetter|workflow|cron)\.(?!stats)|admin\.(?:job|jobs|deadLetters|\w+Jobs)$)/;

/** The answer without what the caller may not see of jobs. */
export function shownTo(grant: Grant | undefined, operation: OperationName, reply: Reply): Reply {
  const filter = grant !== undefined && showsJobs.test(operation) ? payloadFilter(grant) : null;
  if (filter === null) return reply;
  const { text, chunks } = reply;
  return chunks ? { ...reply, chunks: mapped(chunks, filter) } : { ...reply, text: filter(text) };
}

async function* mapped(chunks: AsyncIterable<Json>, filter: (text: Json) => Json): AsyncGenerator<Json> {
  for await (const chunk of chunks) yield filter(chunk);
}

/** @throws ProtocolError `permission_denied` for a search by what the caller may not see: it would tell it. */
export function checkSearch({ grant, query }: Pick<BindingRequest, 'grant' | 'query'>): void {
  const { args, q = '' } = query;
  if ((args === undefined && q === '') || payloadFilter(grant) === null) return;
  if (args === undefined && !readsPayload(parseQuery(q))) return;
  const message = 'The token may not see arguments, meta or results as they are, so it may not search by them.';
  throw new ProtocolError('permission_denied', message);
}
