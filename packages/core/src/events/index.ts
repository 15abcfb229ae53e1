/** The events of the log and their text. */
import '../require-node.ts';

export * from './entries.ts';
export * from './events.ts';
export * from './kinds.ts';
export * from './summary.ts';
