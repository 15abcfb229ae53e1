/** The events of the log and their text. */
import '../require-node.ts';

export * from './entries.ts';
export * from './events.ts';
export * from './filter.ts';
export * from './kinds.ts';
export * from './summary.ts';
