import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ProtocolError } from '@ojs-ts/core';
import type { FastifyInstance } from 'fastify';
import { BodyText } from './body-text.ts';

/** The content type of every answer. */
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

/** ojs-json-format §8: an envelope may have 1 MiB (checked by core), a body 32 MiB, so that a batch of 10,000 fits. */
export const bodyLimit = 32 * 1_048_576;

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
  app.addContentTypeParser('*', (_, payload: IncomingMessage, done) => {
    readBody(payload, maxWeight, done);
  });
}

function readBody(
  payload: IncomingMessage,
  maxWeight: number,
  done: (error: Error | null, text?: string | null) => void,
): void {
  const { headers } = payload;
  const announced = Number(headers['content-length']);
  const isWeighed = !(announced <= weighedFrom);
  const text = new BodyText();
  let bytes = 0;
  let weight = 0;

  function leave(error: Error | null, body?: string | null): void {
    payload.off('data', read).off('end', end).off('error', leave);
    done(error, body);
  }

  function read(chunk: Buffer): void {
    bytes += chunk.length;
    if (isWeighed) weight += weightOf(chunk);
    if (bytes > bodyLimit) leave(tooLarge());
    // A body that is refused in any case is read to its end, or the client would not read the answer, but not kept.
    else if (weight <= maxWeight) text.add(chunk);
  }

  function end(): void {
    const body = bytes === 0 ? undefined : text.end();
    if (!Number.isNaN(announced) && bytes !== announced)
      leave(
        new ProtocolError(
          'invalid_request',
          `The request body has ${bytes} bytes, but Content-Length says ${announced}.`,
        ),
      );
    else if (bytes > 0) leave(headerFault(headers) ?? bodyFault(body, weight > maxWeight), body);
    else leave(null);
  }

  if (announced > bodyLimit) done(tooLarge());
  else payload.on('data', read).on('end', end).on('error', leave);
}

function bodyFault(body: string | null | undefined, isHeavy: boolean): ProtocolError | null {
  if (isHeavy)
    return new ProtocolError(
      'envelope_too_large',
      'The request body has too many JSON values for the memory of ' +
        'this server. Send it in parts, or give the server more memory.',
    );
  return body === null ? new ProtocolError('invalid_payload', 'The request body is not valid UTF-8.') : null;
}

function headerFault(headers: IncomingHttpHeaders): ProtocolError | null {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity')
    return new ProtocolError(
      'invalid_request',
      `Content-Encoding: expected identity or no such header, ` +
        `got ${encoding.slice(0, 100)}. Send the body uncompressed.`,
    );
  const media = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return media === undefined || accepted.has(media) ? null : foreignMedia(media);
}

function tooLarge(): ProtocolError {
  return new ProtocolError(
    'envelope_too_large',
    `The request body is larger than ${bodyLimit} bytes (32 MiB), the limit of this server.`,
    {},
    'Send it in parts: fewer jobs in one request, or a reference to large arguments.',
  );
}
