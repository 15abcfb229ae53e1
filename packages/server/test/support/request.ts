import { request as http, type IncomingHttpHeaders } from 'node:http';
import { request as https, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';

export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Request {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/**
 * One request on a connection of its own: nothing is added to it but Content-Length and, unless given, Content-Type.
 */
export function send(
  url: string,
  { method = 'GET', path, headers = {}, body }: Request,
  options: RequestOptions = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent: Record<string, string | string[]> = body === undefined ? {} : { 'content-type': 'application/json' };
    for (const [name, value] of Object.entries(headers))
      sent[name.toLowerCase()] = typeof value === 'string' ? value : [...value];
    if (body !== undefined) sent['content-length'] ??= String(Buffer.byteLength(body));
    const { protocol, hostname, port } = new URL(url);
    const start = protocol === 'https:' ? https : http;
    const request = start({ hostname, port, method, path, headers: sent, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The status and the parsed body of a POST (or of what `method` says). */
export async function call<T = Record<string, unknown>>(
  url: string,
  path: string,
  body?: unknown,
  options: { readonly method?: string; readonly headers?: Request['headers'] } = {},
): Promise<{ readonly status: number; readonly body: T }> {
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const response = await send(url, {
    method,
    path: `/ojs/v1${path}`,
    ...(options.headers && { headers: options.headers }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(response.text) as T };
}

export function open(url: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** What the server writes to the socket until it ends the connection. */
export function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A reset after the answer is one of the ways in which a server ends a connection.
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** Writes bytes as they are and reads until the server ends the connection. */
export async function raw(url: string, bytes: string | Buffer): Promise<string> {
  const socket = await open(url);
  const answer = untilClosed(socket);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return await answer;
}

/** Reads the first HTTP answer from what came over a socket. */
export function parseResponse(text: string): Response {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  return { status: Number(line.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}
