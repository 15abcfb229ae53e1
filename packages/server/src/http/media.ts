import { isUtf8 } from 'node:buffer';
import { ProtocolError } from '@ojs-ts/core';
import type { FastifyInstance } from 'fastify';

/** Of every answer. */
export const contentType = 'application/openjobspec+json';

/** A foreign media type is 400 (ojs-http-binding §4), not 415. `curl -d` sends one by default. */
export function foreignMedia(given?: string): ProtocolError {
  const got = given === undefined ? '' : `, got ${given.slice(0, 100)}`;
  const hint = "Send the header content-type: application/json, with curl: -H 'content-type: application/json'.";
  return new ProtocolError(
    'invalid_request',
    `Content-Type: expected application/json or ${contentType}${got}.`,
    {},
    hint,
  );
}

const accepted = new Set(['application/openjobspec+json', 'application/json']);

/** Bodies from this size on are weighed before they are read as JSON. */
const weighedFrom = 1_048_576;

/**
 * About the bytes of heap that the values of a JSON text take beside their strings: `[[],[],…` of 15 MB takes 300 MB.
 * Commas in strings count too, at the little that they are.
 */
function weightOf(bytes: Buffer): number {
  let weight = 0;
  for (const byte of bytes) {
    if (byte === 0x5b || byte === 0x7b) weight += 56;
    else if (byte === 0x3a) weight += 24;
    else if (byte === 0x2c) weight += 8;
  }
  return weight;
}

/**
 * Bodies stay text: nothing but the binding parses them.
 * @param maxWeight bytes of heap that the values of one body may take.
 */
export function acceptBodies(app: FastifyInstance, maxWeight: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) return done(null, undefined);
    const encoding = request.headers['content-encoding']?.trim().toLowerCase();
    if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
      return done(
        new ProtocolError(
          'invalid_request',
          'The request body must not be compressed: Content-Encoding must be identity or absent.',
        ),
      );
    }
    const media = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (media !== undefined && !accepted.has(media)) {
      return done(foreignMedia(media));
    }
    if (bytes.length > weighedFrom && weightOf(bytes) > maxWeight)
      return done(new ProtocolError('envelope_too_large', 'The request body has too many JSON values.'));
    if (!isUtf8(bytes)) return done(new ProtocolError('invalid_payload', 'The request body is not valid UTF-8.'));
    done(null, bytes.toString('utf8'));
  });
}
