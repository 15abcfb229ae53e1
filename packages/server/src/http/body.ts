import { isUtf8 } from 'node:buffer';
import { ProtocolError } from '@ojs-ts/core';
import type { FastifyInstance } from 'fastify';
import { foreignMedia } from './media.ts';

const accepted = new Set(['application/openjobspec+json', 'application/json']);

/** Bodies stay text: nothing but the binding parses them. */
export function acceptBodies(app: FastifyInstance): void {
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
    if (!isUtf8(bytes)) return done(new ProtocolError('invalid_payload', 'The request body is not valid UTF-8.'));
    done(null, bytes.toString('utf8'));
  });
}
