import type { Json } from '../job/job.ts';
import type { OperationName } from '../operations/operations.ts';
import { Fields } from '../requests/fields.ts';
import type { Query } from '../requests/pages.ts';
import type { Millis } from '../time/clock.ts';
import { bulkRequests } from './bulk.ts';
import { jobRequests } from './jobs.ts';
import type { Parameters } from './parameters.ts';
import { queueRequests } from './queues.ts';
import { readMembers } from './read.ts';
import type { Request } from './request.ts';
import { signalRequests } from './signals.ts';
import { systemRequests } from './system.ts';
import type { Static, TSchema } from './type.ts';
import { workerRequests } from './workers.ts';
import { workflowRequests } from './workflows.ts';

const table = {
  ...systemRequests,
  ...jobRequests,
  ...bulkRequests,
  ...workerRequests,
  ...signalRequests,
  ...queueRequests,
  ...workflowRequests,
};
export const requests: Readonly<Record<OperationName, Request>> = table;

/** The body of an operation as its handler reads it. */
export type BodyOf<Name extends OperationName> = (typeof table)[Name] extends {
  readonly body: { readonly schema: () => TSchema<infer Read> };
}
  ? Read
  : never;

const schemas = new Map<OperationName, object>();

/** The schema of the body, made once. */
export function schemaOf(operation: OperationName): object {
  const schema = schemas.get(operation) ?? requests[operation].body?.schema() ?? {};
  schemas.set(operation, schema);
  return schema;
}

/**
 * The body of the operation by its schema.
 * @throws ProtocolError `invalid_payload`, or `invalid_request` with all wrong values.
 */
export function readBody<Name extends OperationName>(
  operation: Name,
  { body, value }: { readonly body?: Json | undefined; readonly value?: unknown },
  now: Millis,
): BodyOf<Name> {
  const isLeftOut = requests[operation].body?.optional === true && (body ?? '') === '';
  const fields = new Fields(Fields.parse(body, value ?? (isLeftOut ? {} : undefined)));
  const read = readMembers<BodyOf<Name>>(fields, schemaOf(operation), now);
  fields.done();
  return read;
}

type QueryOf<Name extends OperationName> = (typeof table)[Name] extends {
  readonly query: infer Query extends Parameters;
}
  ? { readonly [Parameter in keyof Query]?: Static<Query[Parameter]> }
  : never;

/**
 * The parameters of the operation by their schemas. One without a value counts as absent.
 * @throws ProtocolError `invalid_request` with all wrong values.
 */
export function readQuery<Name extends OperationName>(operation: Name, query: Query, now: Millis): QueryOf<Name> {
  const given = Object.entries(query).filter(([, text]) => text !== '');
  const fields = new Fields(Object.fromEntries(given), 'query');
  const read = readMembers<QueryOf<Name>>(fields, { properties: requests[operation].query ?? {} }, now);
  fields.done();
  return read;
}
