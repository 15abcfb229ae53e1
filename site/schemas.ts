import { openApi } from '@ojs-ts/core/openapi';
import type { Dumped } from '@ojs-ts/server';

interface Document {
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly requestBodies: Readonly<
      Record<string, { readonly content: { readonly 'application/json': { readonly schema: object } } }>
    >;
  };
}

/** The kinds of records in a backup: what one is, and the members that it always has. */
const kinds: { readonly [Kind in keyof Dumped]: readonly [about: string, members: readonly (keyof Dumped[Kind])[]] } = {
  store: ['The storage itself; the first record.', ['seed', 'leaseKey', 'position', 'lastStart']],
  queue: ['A queue with its settings.', ['name']],
  limit: ['A limit key with its numbers.', ['key', 'own', 'override', 'usedAt']],
  starts: ['Starts that a rate still counts, oldest first.', ['key', 'at']],
  workflow: ['A workflow.', ['number', 'workflow']],
  node: ['A step of the workflow before it.', ['workflow']],
  job: ['A job, with its envelope as a JSON text.', ['number', 'place', 'job']],
  record: ['A cron job, a schema, a token, an audit log entry or the like.', ['kind']],
  minute: ['The statistics of one minute.', []],
  worker: ['A registered worker.', []],
  request: ['An answered claim of a worker, so that a repeated request gets the same jobs.', ['key', 'at', 'claims']],
  events: ['A batch of events.', ['position', 'count']],
  inbox: ['A job of a committed transaction that no server has imported yet.', []],
  completion: ['A completion of a committed transaction.', ['number', 'id', 'claim', 'result']],
};

const dialect = 'https://json-schema.org/draft/2020-12/schema';

/** The JSON Schemas that the site publishes, as texts by file name. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  // The type of the document is wide, because it is a value of JSON.
  const { schemas, requestBodies } = (openApi('') as unknown as Document).components;
  const settings = requestBodies['queue.configure']?.content['application/json'].schema;
  const all = {
    job: alone('A job as the server answers it', schemas.Job, schemas),
    'job-request': alone('A job as a client sends it to the server', schemas.JobRequest, schemas),
    'queue-config': alone('The settings of a queue', settings, schemas),
    backup: backupLine,
  };
  return new Map(
    Object.entries(all).map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify({ $schema: dialect, ...schema }, null, 1)}\n`,
    ]),
  );
}

/** One line of a backup. */
const backupLine = {
  title: 'One line of a backup',
  oneOf: [
    {
      description: 'The first line.',
      type: 'object',
      required: ['format', 'version', 'storage', 'layout', 'software', 'at'],
      properties: {
        format: { const: 'ojs-backup' },
        version: { type: 'integer', description: 'Version of the format.' },
        storage: { type: 'string', description: 'Kind of the storage it was read from. Any kind can restore it.' },
        layout: { type: 'integer' },
        software: { type: 'string', description: 'Version of the server.' },
        at: { type: 'string', format: 'date-time' },
      },
    },
    ...Object.entries(kinds).map(([kind, [description, members]]) => ({
      description,
      type: 'object',
      required: ['kind', 'record'],
      properties: { kind: { const: kind }, record: { type: 'object', required: members } },
    })),
    {
      description: 'The last line. A file without one was truncated.',
      type: 'object',
      required: ['kind', 'counts', 'sha256'],
      properties: {
        kind: { const: 'end' },
        counts: { type: 'object', additionalProperties: { type: 'integer' }, description: 'Records by kind.' },
        sha256: { type: 'string', description: 'SHA-256 of all lines before, in hexadecimal digits.' },
      },
    },
  ],
};

/** The schema with the named ones that it refers to. */
function alone(title: string, schema: object | undefined, named: Document['components']['schemas']): object {
  const found: Record<string, unknown> = {};
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => {
        if (key !== '$ref') return [key, copy(one)];
        const name = String(one).slice('#/components/schemas/'.length);
        if (!(name in found)) {
          found[name] = null;
          found[name] = copy(named[name]);
        }
        return [key, `#/$defs/${name}`];
      }),
    );
  };
  const root = Object.entries(Object(copy(schema)));
  return { title, ...Object.fromEntries(root), ...(Object.keys(found).length > 0 && { $defs: found }) };
}
