/** Requests and answers that the server and the fake of `@ojs-ts/sdk/testing` read and write alike. */
import '../require-node.ts';

export * from '../answers.ts';
export * from '../documentation.ts';
export * from '../not-found.ts';
export * from '../semver.ts';
export * from './bulk-enqueue.ts';
export * from './enqueue.ts';
export * from './fields.ts';
export * from './filters.ts';
export * from './lists.ts';
export * from './missing-name.ts';
export * from './order.ts';
export * from './page-size.ts';
export * from './pages.ts';
export * from './queues.ts';
export * from './reply.ts';
export * from './targets.ts';
