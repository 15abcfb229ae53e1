import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { parseJson } from './json.ts';
import type { StepResponse } from './template.ts';

export interface StepRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A step fails if the server does not answer within this time. */
const deadlineMs = 30_000;

/** Sends one request unchanged on a connection of its own: `fetch` would add headers and refuse methods. */
export function send({ method, url, headers, body }: StepRequest): Promise<StepResponse> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? secureRequest : request;
    const sending = open(
      url,
      { method, headers: { ...headers, ...lengthOf(body) }, agent: false, signal: AbortSignal.timeout(deadlineMs) },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const fields = Object.entries(answer.headers).map(
            ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const,
          );
          resolve({
            status: answer.statusCode ?? 0,
            headers: Object.fromEntries(fields),
            text,
            body: parseJson(text),
            elapsedMs: performance.now() - started,
          });
        });
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}

function lengthOf(body: string | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
}
