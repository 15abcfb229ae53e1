/** The rules of a job's life: admission, transitions, retries, limits, unique keys. */
import '../require-node.ts';

export * from '../admission.ts';
export * from '../job-store.ts';
export * from '../push.ts';
export * from '../steps.ts';
export * from './change.ts';
export * from './deaths.ts';
export * from './decide.ts';
export * from './edit.ts';
export * from './execution-history.ts';
export * from './history.ts';
export * from './history-retention.ts';
export type { JobChanges } from './job-changes.ts';
export * from './lifecycle.ts';
export * from './limits/held-slots.ts';
export * from './limits/limits.ts';
export * from './limits/requested.ts';
export * from './linked-job.ts';
export * from './liveness.ts';
export * from './poison.ts';
export * from './rerun.ts';
export * from './retry.ts';
export * from './steps.ts';
export * from './suspension.ts';
export * from './transition.ts';
export { firstIndex, type Holder, type StoredHolders } from './unique/held-keys.ts';
export * from './unique/unique.ts';
