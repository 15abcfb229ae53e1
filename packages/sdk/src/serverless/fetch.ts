import { type PushReply, push } from './push.ts';
import type { PushWorker } from './push-worker.ts';
import { runQueued } from './queued.ts';

/**
 * A handler for every platform with `Request` and `Response` (ojs-serverless §2). Vercel: `export const POST =
 * fetchHandler(worker)`.
 */
export function fetchHandler<R>(worker: PushWorker<R>): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = await request.text();
    return responseOf(
      await push(worker, { method: request.method, body, header: (name) => request.headers.get(name) ?? undefined }),
    );
  };
}

/** The members of a Cloudflare Queues batch that the SDK uses. */
export interface CloudflareBatch {
  readonly messages: readonly {
    readonly id: string;
    readonly body: unknown;
    ack(): void;
    retry(options?: { delaySeconds?: number }): void;
  }[];
}

/** The exports of a Cloudflare Worker. */
export interface CloudflareHandler {
  fetch(request: Request): Promise<Response>;
  queue(batch: CloudflareBatch): Promise<void>;
}

/** The longest delay that Cloudflare Queues accepts. Seconds. */
const maxDelay = 43_200;

/**
 * A handler for Cloudflare Workers, for HTTP and for Queues: `export default cloudflareHandler(worker)`. It acks or
 * retries each message of a batch by itself.
 */
export function cloudflareHandler<R>(worker: PushWorker<R>): CloudflareHandler {
  return {
    fetch: fetchHandler(worker),
    async queue({ messages }) {
      await Promise.all(
        messages.map(async (message) => {
          const verdict = await runQueued(worker, message.body);
          if (verdict.kind === 'done') message.ack();
          else if (verdict.delayMs === undefined) message.retry();
          else message.retry({ delaySeconds: Math.min(maxDelay, Math.ceil(verdict.delayMs / 1000)) });
        }),
      );
    },
  };
}

function responseOf({ status, headers, body }: PushReply): Response {
  return new Response(body, { status, headers });
}
