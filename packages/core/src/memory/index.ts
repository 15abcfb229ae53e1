import '../require-node.ts';

export type { EventsRead } from '../events/events.ts';
export * from '../records.ts';
export type * from '../store/jobs.ts';
export type * from '../store/prune.ts';
export type * from '../store/records.ts';
export type * from '../store/registry.ts';
export type * from '../store/upkeep.ts';
export type * from '../store/workflows.ts';
export { nextOfEach, startNow } from './claim.ts';
export { Heap } from './heap.ts';
export { memoryStore } from './store.ts';
export { Queue, type Row, Tables } from './tables.ts';
