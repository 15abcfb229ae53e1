/** Durable steps: the rows of a job, and what they decide. */
import '../require-node.ts';

export * from './mark.ts';
export * from './row.ts';
