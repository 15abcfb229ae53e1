/** Durable steps: the rows of a job, and what they decide. */
import '../require-node.ts';

export * from './children.ts';
export * from './mail.ts';
export * from './mailbox.ts';
export * from './mark.ts';
export * from './marks.ts';
export * from './merge.ts';
export * from './read-rows.ts';
export * from './record.ts';
export * from './render.ts';
export * from './row.ts';
export * from './sent.ts';
export * from './signal.ts';
export type * from './store.ts';
export * from './successor.ts';
export * from './suspend.ts';
export * from './tally.ts';
export * from './undo.ts';
export * from './waiting.ts';
export * from './wake.ts';
