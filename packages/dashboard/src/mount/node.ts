import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ProtocolError } from '@ojs-ts/core';
import type { MountAnswer, MountPlace, MountRequest } from './request.ts';

/** The members of a Node request that a mount uses, and what a body parser may leave. */
export interface NodeRequest extends IncomingMessage {
  readonly rawBody?: unknown;
}

/** @param original what `authorize` gets. */
export function nodeRequest<R>(
  request: NodeRequest,
  response: ServerResponse,
  place: MountPlace,
  original: { readonly request: R; readonly address: string | undefined },
): MountRequest<R> {
  const { url = '/', headers, socket } = request;
  const query = url.indexOf('?');
  return {
    ...place,
    method: request.method ?? 'GET',
    query: new URLSearchParams(query === -1 ? '' : url.slice(query + 1)),
    header: (name) => {
      const value = headers[name] ?? (name === 'host' ? headers[':authority'] : undefined);
      return typeof value === 'object' ? value.join(', ') : value;
    },
    body: hasBody(request) ? bodyOf(request) : null,
    signal: goneSignal(response),
    peer: socket.remoteAddress,
    address: original.address,
    original: original.request,
  };
}

/** Sends an answer, as fast as the client reads it. Rejects where it breaks off. */
export async function sendNode(response: ServerResponse, { status, headers, body }: MountAnswer): Promise<void> {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) response.end(body ?? undefined);
  else await pipeline(Readable.from(body), response);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A value that was parsed is of no use: its numbers are not those that were sent. */
async function* bodyOf(request: NodeRequest): AsyncGenerator<Uint8Array> {
  const { rawBody } = request;
  if (typeof rawBody === 'string') yield Buffer.from(rawBody);
  else if (rawBody instanceof Uint8Array) yield rawBody;
  else if (request.readableDidRead)
    throw new ProtocolError(
      'backend_error',
      'A body parser of the application has read this request before the dashboard.',
      {},
      'Mount the dashboard before express.json() and other parsers, or let them keep the text as request.rawBody.',
    );
  else yield* request.iterator({ destroyOnReturn: false });
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
