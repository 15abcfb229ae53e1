/** Enqueueing one job and a batch, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { asSentMembers, duplicateId, oneJob, refusedBy, replacement } from '../answers.ts';
import type { ReadEnvelope } from '../envelope/envelope.ts';
import { renderJob } from '../envelope/render.ts';
import type { Json } from '../job/job.ts';
import { isObject } from '../json/json.ts';
import { isAsSent, type Pushed, type PushedItem } from '../push.ts';
import type { Millis } from '../time/clock.ts';
import type { PlainReply } from './reply.ts';

/** POST /jobs (ojs-http-binding §7.1). */
export function enqueuedReply(item: PushedItem, now: Millis): PlainReply {
  const { job } = item;
  if (item.kind === 'deduplicated')
    return { status: 200, text: oneJob(job, renderJob(job, { now }), `,"deduplicated":true${replacement(item)}`) };
  const headers = { location: `/ojs/v1/jobs/${job.id}` };
  return { status: 201, text: oneJob(job, renderJob(job), replacement(item)), headers };
}

/**
 * The short answer to POST /jobs/batch for a client that asks for it (`"return":"minimal"`); null unless every job was
 * kept as sent, so that the client has it already.
 * @param body the parsed request.
 */
export function minimalReply(
  body: unknown,
  items: readonly PushedItem[],
  read: readonly ReadEnvelope[],
): PlainReply | null {
  const createdAt = items[0]?.job.createdAt ?? 0;
  if (!isObject(body) || body.return !== 'minimal' || !read.every(({ named }) => named)) return null;
  if (!items.every((item) => isAsSent(item) && item.job.createdAt === createdAt)) return null;
  const { length } = items;
  const text = `{"jobs":[],${asSentMembers(length, createdAt)},"count":${length},"enqueued":${length},"failed":0}`;
  return { status: 201, text };
}

/** POST /jobs/batch (ojs-http-binding §9): the jobs in the order of the request. */
export function batchReply(items: readonly PushedItem[], now: Millis): PlainReply {
  const { head, texts, end } = batchParts(items, now);
  return { status: 201, text: `${head}${[...texts].join(',')}${end}` };
}

/** A text whose list is made item by item, when its turn comes. */
export interface ListParts {
  readonly head: string;
  /** To be parted by commas. */
  readonly texts: Iterable<Json>;
  readonly end: string;
}

/** The text of {@link batchReply} for who makes it piece by piece. */
export function batchParts(items: readonly PushedItem[], now: Millis): ListParts {
  const texts = items.values().map((item) => {
    const extra = `${item.kind === 'deduplicated' ? ',"deduplicated":true' : ''}${replacement(item)}`;
    return renderJob(item.job, { now, ...(extra !== '' && { extra: extra.slice(1) }) });
  });
  const created = items.filter(({ kind }) => kind === 'created').length;
  return { head: '{"jobs":[', texts, end: `],"count":${items.length},"enqueued":${created},"failed":0}` };
}

/** @throws ProtocolError `duplicate` for an id that comes twice in a batch. */
export function checkDistinct(read: readonly ReadEnvelope[]): void {
  const seen = new Set<string>();
  for (const [index, { job }] of read.entries()) {
    if (seen.has(job.id)) throw duplicateId(job.id, index, 'twice in this batch');
    seen.add(job.id);
  }
}

/**
 * The jobs of a call that was not refused.
 * @param own whether jobs that exist already are the call's own: then it is a repetition.
 * @throws ProtocolError with the reason of the refusal; `duplicate` for ids of other calls.
 */
export function acceptedOf(pushed: Pushed, own: boolean): readonly PushedItem[] {
  if (pushed.kind === 'refused') throw refusedBy(pushed.why, pushed.index);
  const [first] = pushed.items;
  if (pushed.kind === 'repeated' && !own) throw duplicateId(first?.job.id ?? '', 0, 'there already', first?.job);
  return pushed.items;
}
