import { type SelectAt, select } from '@ojs-ts/core/job';
import { countListed, type JobList, type ListParts, searched, totals } from '@ojs-ts/core/requests';
import type { Parts } from '../engine/engine.ts';
import { turn } from '../engine/page-size.ts';
import { type BindingRequest, callerName } from './handler.ts';
import { ok, type Reply } from './reply.ts';

type Engine = Parts<'answers' | 'memory' | 'queues' | 'searches' | 'storage'>;

/** Smaller answers are not counted: the account would cost more than it shows. */
const least = 65_536;
/** A piece of a long answer. */
const pieceBytes = 1_048_576;
/**
 * A search by a query ends after so many jobs (small ones on SQLite: 50 ms), or so many milliseconds: the next page
 * continues there.
 */
export const mostScanned = 10_000;
export const longestSearch = 1_000;

/** Counts a part of an answer until it is delivered. */
export function held(engine: Engine, bytes: number): Pick<Reply, 'release'> {
  return bytes < least ? {} : { release: engine.answers.add(bytes) };
}

/** Waits until there is room for another answer. Throws `backend_unavailable`. */
export async function waitForRoom(engine: Engine): Promise<void> {
  if (engine.answers.room <= 0) (await engine.answers.enter(1))();
}

/**
 * The pieces as one text where they are few, else as a stream. An error before the answer begins is an error like any
 * other.
 */
export async function pieced(engine: Engine, pieces: AsyncGenerator<string>): Promise<Reply> {
  let text = '';
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) return { ...ok(text), ...held(engine, text.length) };
    text += value;
    if (text.length <= pieceBytes) continue;
    return { ...ok(''), chunks: behind(text, pieces), ...held(engine, text.length) };
  }
}

async function* behind(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

/** Texts with commas between them, made when their turn comes. */
export async function* joined({ head, texts, end }: ListParts): AsyncGenerator<string> {
  let piece = head;
  let isFirst = true;
  for (const text of texts) {
    piece += isFirst ? text : `,${text}`;
    isFirst = false;
    if (piece.length < pieceBytes) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}${end}`;
}

/**
 * A page of jobs. A page by cursor ends where an answer is full; one by offset keeps its length, or the numbers of
 * pages would be wrong, and is streamed.
 */
export async function jobsReply(
  engine: Engine,
  request: Pick<BindingRequest, 'owner' | 'address'>,
  list: JobList,
  member: 'jobs' | 'items' = 'jobs',
): Promise<Reply> {
  const reply = async () => {
    await waitForRoom(engine);
    return pieced(engine, jobPieces(engine, request, list, member));
  };
  return list.plan === null ? reply() : engine.searches.open(callerName(request), reply);
}

async function* jobPieces(
  { storage, queues, memory, searches }: Engine,
  request: Pick<BindingRequest, 'owner' | 'address'>,
  list: JobList,
  member: 'jobs' | 'items',
): AsyncGenerator<string> {
  const { page, filter, order, render, plan } = list;
  const { cursor, offset, limit } = page;
  const counted = await countListed({ jobs: storage.jobs, registry: queues }, list);
  const piece = Math.min(pieceBytes, memory.answer);
  let end = Number.POSITIVE_INFINITY;
  const isOver = () => performance.now() >= end;
  const caller = callerName(request);
  const read = (at: SelectAt) => {
    if (plan === null) return select(storage, filter, at);
    return searches.turn(caller, () => {
      end = Math.min(end, performance.now() + longestSearch);
      return select(storage, filter, at);
    });
  };
  const bounds = (scanned: number) => plan && { maxSeen: mostScanned - scanned, isOver, pause: turn };
  // A search also reads a piece at a time: the jobs of one read are checked in one go.
  let part = await read({
    after: cursor,
    offset,
    limit,
    order,
    maxBytes: cursor === null || plan !== null ? piece : memory.answer,
    ...bounds(0),
  });
  const { skipped } = part;
  let count = part.jobs.length;
  let scanned = part.seen;
  let text = part.jobs.map(render).join(',');
  let length = text.length;
  yield `{"${member}":[${text}`;
  const isFull = () => cursor !== null && (plan === null || length >= memory.answer);
  while (part.cut && count < limit && !isFull()) {
    const at = { after: part.next, limit: limit - count, order, maxBytes: piece, ...bounds(scanned) };
    part = await read(at);
    text = part.jobs.map(render).join(',');
    if (text !== '') yield `${count > 0 ? ',' : ''}${text}`;
    count += part.jobs.length;
    scanned += part.seen;
    length += text.length;
  }
  yield `]${totals(page, counted.listed, { count, next: part.next, skipped })}${searched(list, { scanned, of: counted.read, next: part.next })}}`;
}
