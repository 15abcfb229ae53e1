import { fromBase64 } from '../base64.ts';
import { type PushReply, push } from './push.ts';
import type { PushWorker, RunLimits } from './push-worker.ts';
import { runQueued } from './queued.ts';

/** An SQS message. Its body is the envelope of a job. */
export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes?: { readonly MessageGroupId?: string };
}

/** A batch of SQS messages, as Lambda delivers it. */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** The messages to deliver again. The event source mapping needs `FunctionResponseTypes: [ReportBatchItemFailures]`. */
export interface SqsBatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** An HTTP event of function URLs and HTTP APIs (payload 2.0), or of REST APIs and load balancers (1.0). */
export interface LambdaHttpEvent {
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly httpMethod?: string;
  readonly requestContext?: { readonly http?: { readonly method?: string } };
}

/** The response to API Gateway and function URLs. */
export interface LambdaHttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The members of Lambda's context that the SDK uses. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number;
}

/** A handler for SQS batches and for HTTP events. */
export interface LambdaHandler {
  (event: SqsEvent, context?: LambdaContext): Promise<SqsBatchResponse>;
  (event: LambdaHttpEvent, context?: LambdaContext): Promise<LambdaHttpResponse>;
}

/**
 * Part of the function's time that a job cannot use: an execution that takes too long is reported as a timeout before
 * the platform ends the process. Milliseconds.
 */
const reserveMs = 1_000;

/**
 * A handler for AWS Lambda, for SQS and HTTP events (ojs-serverless §3): `export const handler =
 * lambdaHandler(worker)`. It limits each execution to the function's remaining time less one second.
 */
export function lambdaHandler<R>(worker: PushWorker<R>): LambdaHandler {
  function handler(event: SqsEvent, context?: LambdaContext): Promise<SqsBatchResponse>;
  function handler(event: LambdaHttpEvent, context?: LambdaContext): Promise<LambdaHttpResponse>;
  function handler(
    event: SqsEvent | LambdaHttpEvent,
    context: LambdaContext = {},
  ): Promise<SqsBatchResponse | LambdaHttpResponse> {
    return 'Records' in event ? onSqs(worker, event, context) : onHttp(worker, event, context);
  }
  return handler;
}

function limitsOf(context: LambdaContext): RunLimits {
  const left = context.getRemainingTimeInMillis?.();
  return left === undefined ? {} : { limitMs: Math.max(1, left - reserveMs) };
}

/**
 * Messages of one group run one after the other. After a failure the rest of the group goes back without running, to
 * keep the order.
 */
async function onSqs<R>(
  worker: PushWorker<R>,
  { Records }: SqsEvent,
  context: LambdaContext,
): Promise<SqsBatchResponse> {
  const groups = Map.groupBy(
    Records,
    ({ messageId, attributes }) => attributes?.MessageGroupId ?? `message ${messageId}`,
  );
  const failed = await Promise.all(
    [...groups.values()].map(async (records) => {
      for (const [index, { body }] of records.entries()) {
        if ((await runQueued(worker, body, limitsOf(context))).kind === 'again') return records.slice(index);
      }
      return [];
    }),
  );
  return { batchItemFailures: failed.flat().map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function onHttp<R>(
  worker: PushWorker<R>,
  event: LambdaHttpEvent,
  context: LambdaContext,
): Promise<LambdaHttpResponse> {
  const headers = new Map(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const request = {
    method: event.requestContext?.http?.method ?? event.httpMethod ?? 'POST',
    body: event.isBase64Encoded ? decoded(event.body ?? '') : (event.body ?? ''),
    header: (name: string) => headers.get(name),
  };
  return responseOf(await push(worker, request, limitsOf(context)));
}

function decoded(body: string): string {
  const bytes = fromBase64(body);
  return bytes === null ? body : new TextDecoder().decode(bytes);
}

function responseOf({ status, headers, body }: PushReply): LambdaHttpResponse {
  return { statusCode: status, headers, body };
}
