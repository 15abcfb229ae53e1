import { OJSError } from '../errors.ts';
import { push } from './push.ts';
import type { PushWorker } from './push-worker.ts';
import { runQueued } from './queued.ts';

/** The members of an HttpRequest of Azure Functions (programming model 4) that the SDK uses. */
export interface AzureHttpRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** The response that Azure Functions expects. */
export interface AzureHttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The handlers of an Azure Functions app. */
export interface AzureHandlers {
  /** `app.http('ojs', { methods: ['POST'], handler: handlers.http })` */
  http(request: AzureHttpRequest): Promise<AzureHttpResponse>;
  /**
   * `app.serviceBusQueue('ojs', { queueName, connection, handler: handlers.serviceBus })`. Rejects if the message must
   * be delivered again: the runtime then abandons it.
   */
  serviceBus(message: unknown): Promise<void>;
}

/** Handlers for Azure Functions: push over HTTP, and Service Bus (ojs-serverless §5). */
export function azureHandlers<R>(worker: PushWorker<R>): AzureHandlers {
  return {
    async http(request) {
      const { status, headers, body } = await push(worker, {
        method: request.method,
        body: await request.text(),
        header: (name) => request.headers.get(name) ?? undefined,
      });
      return { status, headers: { ...headers }, body };
    },
    async serviceBus(message) {
      const verdict = await runQueued(worker, message);
      if (verdict.kind === 'again') throw new OJSError(`The message goes back to the queue: ${verdict.reason}`);
    },
  };
}
