import { maxHeaderSize, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ProtocolError, uuidv7 } from '@ojs-ts/core';
import type { Asked } from '@ojs-ts/core/requests';
import { faultOf, refusal } from '../binding/reply.ts';
import { contentType, foreignMedia } from './media.ts';

type Docs = Pick<Asked, 'docsUrl'>;

/** How long a client may take to read a refusal and to close, in milliseconds; then the server ends the connection. */
const lingerMs = 1_000;

/** How long a request may take to arrive. */
interface RequestTimes {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/**
 * Answers requests that are not valid HTTP: too slow, too large a header, an unknown method, random bytes.
 * @param docs where the documentation is, as an error body says it.
 */
export function refuseConnection(docs: Docs, times: RequestTimes, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = `req_${uuidv7()}`;
  const reply = refusal(clientFault(error.code, times), { ...docs, requestId });
  const head = [
    `HTTP/1.1 ${statusLines[error.code ?? ''] ?? '400 Bad Request'}`,
    `content-type: ${contentType}`,
    `content-length: ${Buffer.byteLength(reply.text)}`,
    'ojs-version: 1.0',
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${reply.text}`);
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}

/** An `Expect` other than `100-continue`: the request is refused unread. */
export function refuseExpectation(docs: Docs, response: ServerResponse): void {
  const requestId = `req_${uuidv7()}`;
  const { text } = refusal(
    new ProtocolError(
      'invalid_request',
      'This server does not support the Expect header of the request; leave the header out.',
    ),
    { ...docs, requestId },
  );
  response.writeHead(417, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'ojs-version': '1.0',
    'x-request-id': requestId,
    connection: 'close',
  });
  response.end(text);
}

const statusLines: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

function clientFault(code: string | undefined, { headersTimeoutMs, requestTimeoutMs }: RequestTimes): ProtocolError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ProtocolError(
      'invalid_request',
      `The request did not arrive in time: its headers may take ${headersTimeoutMs / 1_000} s, and the whole request ` +
        `${requestTimeoutMs / 1_000} s.`,
      {},
      'Send it faster or in parts, or start the server with a longer --headers-timeout or --request-timeout.',
    );
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ProtocolError(
      'invalid_request',
      `The headers of the request are larger than ${maxHeaderSize} bytes.`,
      {},
      'Send fewer or shorter headers, such as cookies. NODE_OPTIONS=--max-http-header-size raises the limit.',
    );
  return new ProtocolError(
    'invalid_request',
    'This is not a valid HTTP request.',
    {},
    'A client that speaks HTTPS or HTTP/2 to a port of plain HTTP sends such bytes: check the scheme of the URL.',
  );
}

/** Fastify's own refusals as errors of the specification. */
export function httpFault(error: unknown): ProtocolError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return foreignMedia();
    case 'FST_ERR_BAD_URL':
      return new ProtocolError('invalid_request', 'The path of the request is not a valid URL path.');
    default:
      return faultOf(error);
  }
}
