export {
  type EnqueuedJob,
  type EnqueuedOf,
  SyncClient,
  type SyncClientOptions,
  type SyncPageOptions,
} from './client.ts';
export type { SyncCallOptions } from './connection.ts';
export type { SyncPage } from './page.ts';
