/** All of core in one namespace: a bug names a function, and the hook finds its module. */
export * from '../../../packages/core/src/access/index.ts';
export * from '../../../packages/core/src/bulk/index.ts';
export * from '../../../packages/core/src/cron/index.ts';
export * from '../../../packages/core/src/events/index.ts';
export * from '../../../packages/core/src/explain/index.ts';
export * from '../../../packages/core/src/handlers/index.ts';
export * from '../../../packages/core/src/index.ts';
export * from '../../../packages/core/src/job/index.ts';
export * from '../../../packages/core/src/lifecycle/index.ts';
export * from '../../../packages/core/src/operations/index.ts';
export type { Field } from '../../../packages/core/src/query/index.ts';
export * from '../../../packages/core/src/query/index.ts';
export * from '../../../packages/core/src/requests/index.ts';
export * from '../../../packages/core/src/statistics/index.ts';
export * from '../../../packages/core/src/workflow/index.ts';
