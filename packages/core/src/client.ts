// The entry for a connection to a server: what its calls need, without the rules of jobs and workflows. The heartbeat
// thread starts with 150 ms of CPU on these sources, with 300 ms on the whole package.
import './require-node.ts';

export * from './errors.ts';
export { isObject } from './json/json.ts';
export * from './known-names.ts';
export * from './names.ts';
export { requireNode } from './node-version.ts';
export * from './operations/operations.ts';
export * from './suggestion.ts';
export * from './time/duration.ts';
export * from './transport.ts';
export * from './uuid.ts';
export * from './variables.ts';
