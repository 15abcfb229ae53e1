export type * from './answers/index.ts';
