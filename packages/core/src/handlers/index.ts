/** Handlers of operations that the server and the fake of `@ojs-ts/sdk/testing` answer alike. */
import '../require-node.ts';

export * from './crons.ts';
export * from './dead-letter.ts';
export * from './handler.ts';
export * from './jobs.ts';
export * from './manifest.ts';
export * from './reports.ts';
export * from './schema-checks.ts';
export * from './schema-index.ts';
export * from './schemas.ts';
export * from './signals.ts';
export * from './step-requests.ts';
export * from './steps.ts';
export * from './successors.ts';
export * from './warnings.ts';
export * from './workflows.ts';
