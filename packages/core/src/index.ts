/** Errors, names, JSON, time, ids: shared by all subjects. Each subject has its own entry beside this one. */
import './require-node.ts';

export * from './errors.ts';
export * from './json/json.ts';
export * from './known-names.ts';
export * from './names.ts';
export { requireNode } from './node-version.ts';
export * from './slab-map.ts';
export * from './suggestion.ts';
export * from './time/clock.ts';
export * from './time/duration.ts';
export * from './time/steady.ts';
export * from './time/timestamp.ts';
export * from './transport.ts';
export * from './uuid.ts';
export * from './variables.ts';
