/** The entry `@ojs-ts/core/options`, which neither clients nor browsers load. */
import '../require-node.ts';

export { parseRequestRate, type RequestRate } from './kinds.ts';
export * from './option.ts';
export * from './server-options.ts';
