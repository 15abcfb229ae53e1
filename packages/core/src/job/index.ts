/** The job on record and its envelope on the wire. */
import '../require-node.ts';

export { defaultQueue, defaultTimeoutMs } from '../envelope/attributes.ts';
export * from '../envelope/destination.ts';
export * from '../envelope/envelope.ts';
export { jobShape } from '../envelope/job-shape.ts';
export * from '../envelope/render.ts';
export * from '../envelope/unknown-members.ts';
export * from '../envelope/validate.ts';
export * from './byte-budget.ts';
export * from './checkpoint.ts';
export * from './error-fingerprint.ts';
export * from './failure.ts';
export * from './history.ts';
export * from './job.ts';
export * from './lease.ts';
export * from './order.ts';
export * from './places.ts';
export * from './progress.ts';
export * from './reopening.ts';
export * from './result.ts';
export * from './selection.ts';
export * from './states.ts';
