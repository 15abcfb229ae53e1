import { ProtocolError } from '@ojs-ts/core';
import type { MountRequest } from './request.ts';

const accepted: ReadonlySet<string> = new Set(['application/json', 'application/openjobspec+json']);

/**
 * The body as text: nothing parses it on the way, so every number stays unchanged.
 * @returns undefined for a request without a body.
 * @throws ProtocolError for a body that is too large, compressed, of another media type, or not UTF-8.
 */
export async function readBody(
  { header, body }: Pick<MountRequest<unknown>, 'header' | 'body'>,
  limit: number,
): Promise<string | undefined> {
  if (body === null) return undefined;
  if (Number(header('content-length')) > limit) throw tooLarge(limit);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > limit) throw tooLarge(limit);
    text += decoded(() => decoder.decode(chunk, { stream: true }));
  }
  text += decoded(() => decoder.decode());
  if (bytes === 0) return undefined;
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    throw new ProtocolError(
      'invalid_request',
      `Content-Encoding: expected none, got ${encoding.slice(0, 100)}; send the body uncompressed.`,
    );
  const media = header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (media === undefined || accepted.has(media)) return text;
  throw new ProtocolError('invalid_request', `Content-Type: expected application/json, got ${media.slice(0, 100)}.`);
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw new ProtocolError('invalid_payload', 'The request body is not valid UTF-8.');
  }
}

function tooLarge(limit: number): ProtocolError {
  return new ProtocolError('envelope_too_large', `The request body is larger than ${limit} bytes.`);
}
