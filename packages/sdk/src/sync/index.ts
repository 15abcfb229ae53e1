export type { SyncPage, SyncPageOptions } from './calls.ts';
export {
  type EnqueuedJob,
  type EnqueuedOf,
  SyncClient,
  type SyncClientOptions,
} from './client.ts';
export type { SyncCallOptions } from './connection.ts';
