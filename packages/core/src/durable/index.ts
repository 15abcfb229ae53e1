/** Durable steps: the rows of a job, and what they decide. */
import '../require-node.ts';

export type * from './mark.ts';
export * from './row.ts';
