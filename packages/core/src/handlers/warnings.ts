import { maxWarnings, type UnknownMember, type Warning, warningOf } from '../envelope/unknown-members.ts';
import { ProtocolError } from '../errors.ts';
import type { PlainReply } from '../requests/reply.ts';

/**
 * Warnings about members of jobs that the protocol does not have.
 * @param strict refuses instead (RFC 7240, `Prefer: handling=strict`).
 * @throws ProtocolError `invalid_request` with the same places in `details.validation_errors`.
 */
export function warningsOf(unknown: readonly UnknownMember[], strict: boolean | undefined): readonly Warning[] {
  if (unknown.length === 0) return [];
  const first = unknown.slice(0, maxWarnings);
  if (strict)
    throw ProtocolError.invalid(first.map((member) => warningOf(member, 'Prefer: handling=strict refuses it')));
  return first.map((member) => warningOf(member));
}

/** The answer with its warnings at the end; unchanged without warnings. */
export function withWarnings<R extends PlainReply & { readonly chunks?: AsyncIterable<string> }>(
  reply: R,
  more: readonly Warning[] = [],
): R {
  const { warnings = [] } = reply;
  const all = [...more, ...warnings];
  if (all.length === 0) return reply;
  const end = `,"warnings":${JSON.stringify(all)}}`;
  if (reply.chunks) return { ...reply, chunks: endingIn(end, reply.chunks) };
  return { ...reply, text: `${reply.text.slice(0, -1)}${end}` };
}

/** The same chunks with another end in place of the last brace. */
async function* endingIn(end: string, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let last = '';
  for await (const chunk of chunks) {
    yield last;
    last = chunk;
  }
  yield `${last.slice(0, -1)}${end}`;
}
