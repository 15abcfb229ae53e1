import type { GuardedTransport } from '@ojs-ts/core';
import { Mount } from './mount.ts';
import type { DashboardOptions } from './options.ts';
import type { MountAnswer, MountPlace, MountRequest } from './request.ts';

export type { MountPlace } from './request.ts';

/** Answers requests of the Fetch standard. Rejects with what `authorize` throws. */
export type DashboardHandler = (request: Request, place: MountPlace) => Promise<Response>;

/**
 * The dashboard for a framework without an entry of its own, by the Fetch standard.
 * @param engine from `openEmbedded()`.
 * @throws TypeError for wrong options, and outside of development without `authorize`.
 */
export function dashboardHandler(engine: GuardedTransport, options: DashboardOptions<Request> = {}): DashboardHandler {
  const mount = new Mount(engine, options);
  return (request, place) => answerWeb(mount, request, place, request);
}

/**
 * @param original what `authorize` gets.
 * @param compresses false if the framework takes the encoding of the answer away.
 */
export async function answerWeb<R>(
  mount: Mount<R>,
  request: Request,
  place: MountPlace,
  original: R,
  compresses = true,
): Promise<Response> {
  // A runtime reports either by the request or by the body of the answer that the client has gone.
  const left = new AbortController();
  const { host, searchParams } = new URL(request.url);
  const asked: MountRequest<R> = {
    ...place,
    method: request.method,
    query: searchParams,
    header: (name) => {
      if (name === 'accept-encoding' && !compresses) return undefined;
      return request.headers.get(name) ?? (name === 'host' ? host : undefined);
    },
    body: request.body === null ? null : unbroken(request.body),
    signal: AbortSignal.any([request.signal, left.signal]),
    original,
  };
  const { status, headers, body } = await mount.answer(asked);
  return new Response(bodyOf(body, left), { status, headers });
}

async function* unbroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body.values({ preventCancel: true });
}

function bodyOf(
  body: MountAnswer['body'],
  left: AbortController,
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null {
  if (body === null || typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  const chunks = body[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => left.abort(),
  });
}
