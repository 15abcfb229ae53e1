import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Reply } from '../binding/reply.ts';
import type { Warn } from './connections.ts';

/** How long a client may take nothing of a large answer, in milliseconds. */
const stallMs = 15_000;
/** Characters that are written to a socket at once. */
const sliceChars = 131_072;

/** Sends an answer. */
export function answer(reply: FastifyReply, { status, text, chunks, headers }: Reply): FastifyReply {
  if (headers) reply.headers(headers);
  if (chunks) return reply.code(status).send(Readable.from(slicesOfAll(chunks)));
  if (text.length > sliceChars) {
    return reply
      .code(status)
      .header('content-length', Buffer.byteLength(text))
      .send(Readable.from(slicesOf(text)));
  }
  // With its own serializer a reply keeps the exact media type: clients compare it byte for byte.
  return reply.code(status).serializer(asIs).send(text);
}

/**
 * A text that is written at once becomes one buffer, and waits as a whole for a slow reader. Large buffers also stay
 * with the process: see `BodyText`.
 */
function* slicesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = at + sliceChars;
    // A surrogate pair stays whole, or both halves would be sent as U+FFFD.
    const isCut = end < text.length && isHighSurrogate(text.charCodeAt(end - 1));
    const slice = text.slice(at, isCut ? end + 1 : end);
    yield slice;
    at += slice.length;
  }
}

async function* slicesOfAll(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield* slicesOf(text);
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function asIs(text: unknown): string {
  return String(text);
}

/**
 * Sends an answer and takes its effect back when the caller was gone before it was written. A caller that has stopped
 * reading a large answer is cut off.
 */
export function deliver(reply: FastifyReply, answered: Reply, warn: Warn): void {
  const { undelivered, release } = answered;
  const { raw } = reply;
  if (undelivered || release) {
    const end = () => {
      release?.();
      if (!raw.writableFinished) void undelivered?.();
    };
    if (raw.destroyed) end();
    else raw.once('close', end);
  }
  if (release || answered.chunks) {
    // Node restarts the time with every byte that the socket takes.
    raw.setTimeout(stallMs, () => {
      warn({ request_id: reply.request.id, waited_ms: stallMs }, 'slow reader dropped');
      raw.destroy();
    });
  }
  answer(reply, answered);
}
