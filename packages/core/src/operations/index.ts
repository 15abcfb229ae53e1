/** One row for each operation of a server. */
import '../require-node.ts';

export * from './operations.ts';
export type { Operation, QueueCheck } from './row.ts';
