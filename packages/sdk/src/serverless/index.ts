export { type AzureHandlers, type AzureHttpRequest, type AzureHttpResponse, azureHandlers } from './azure.ts';
export type { Delivery } from './delivery.ts';
export { type CloudflareBatch, type CloudflareHandler, cloudflareHandler, fetchHandler } from './fetch.ts';
export {
  type LambdaContext,
  type LambdaHandler,
  type LambdaHttpEvent,
  type LambdaHttpResponse,
  lambdaHandler,
  type SqsBatchResponse,
  type SqsEvent,
  type SqsRecord,
} from './lambda.ts';
export { type PushOutcome, PushWorker, type PushWorkerOptions } from './push-worker.ts';
