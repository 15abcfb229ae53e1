// What an enqueue needs that is not plain, as the one part that it is loaded as: middleware, times, policies, schemas, batches, refusals.
export { sendBatch } from './batches.ts';
export { sendDrafted, throughChain } from './passage.ts';
