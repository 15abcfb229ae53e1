/** Changes of many jobs: at once in one call, and on record with a way back. */
import '../require-node.ts';

export * from './bulk.ts';
export * from './changes.ts';
export * from './decide.ts';
export * from './operation.ts';
export * from './render.ts';
export * from './request.ts';
export * from './undo.ts';
