// The requests as JSON Schema, for the server and for documents. The entry is separate, because bundles of the SDK,
// the dashboard and workers at the edge must not load it.
import '../require-node.ts';

import { isPlaceholder } from '../operations/operations.ts';
import { type Parameters, text } from './parameters.ts';

export type * from './answers/index.ts';
export type { Parameters } from './parameters.ts';
export type { Body, Request, Strictness } from './request.ts';
export { type BodyOf, readBody, readQuery, requests, schemaOf } from './requests.ts';
export { shapeIn } from './shape.ts';

const job = 'Id of the job, a UUIDv7.';
/** The meaning of a path's placeholder, by the segment before it. */
const placeholders: Readonly<Record<string, string>> = {
  jobs: job,
  checkpoints: job,
  'dead-letter': job,
  workers: 'Name of the worker.',
  queues: 'Name of the queue.',
  cron: 'Name of the cron job.',
  crons: 'Name of the cron job.',
  workflows: 'Id of the workflow, a UUIDv7.',
  bulk: 'Id of the bulk operation.',
  'rate-limits': 'Key of the limit.',
  schemas: 'Type of the jobs, or URI of the schema.',
  ':key': 'Version of the schema.',
  tokens: 'Id of the token.',
};

/** The placeholders of a path, in their order. */
export function pathParameters(path: string): Parameters {
  const segments = path.split('/');
  const named = segments.flatMap((segment, index): [string, string][] =>
    isPlaceholder(segment) ? [[segment.slice(1), placeholders[segments[index - 1] ?? ''] ?? '']] : [],
  );
  return Object.fromEntries(named.map(([name, description]) => [name, text(description)]));
}
