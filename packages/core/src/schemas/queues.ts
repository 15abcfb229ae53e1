import { ProtocolError } from '../errors.ts';
import { schemaModes } from '../handlers/schema-index.ts';
import type { queueOperations } from '../operations/queues.ts';
import {
  checked,
  confirmMember,
  duration,
  future,
  limitMembers,
  numberFrom,
  olderThanMember,
  optional,
  orNull,
  rate,
  statesMembers,
} from './members.ts';
import { confirm, create, olderThan, page, states, text, word } from './parameters.ts';
import type { Body, Requests } from './request.ts';
import { Type } from './type.ts';

/** Settings of ojs-queue-config §6 that this server has for all queues at once, or not at all. */
const unsupportedSettings = [
  'max_size_bytes',
  'visibility_timeout',
  'default_timeout',
  'default_retry',
  'dead_letter_queue',
  'dead_letter_max_size',
  'dead_letter_ttl',
  'allowed_job_types',
  'producers',
] as const;

/** A setting that this server cannot apply. */
const refused = (field: string, why: string) =>
  Type.Read<never>({ description: 'Not supported: 422.' }, '', () => {
    throw unsupported(field, why);
  });

function unsupported(field: string, why: string): ProtocolError {
  return new ProtocolError('unsupported', `$.${field}: ${why}; nothing was changed.`, { field });
}

const strategies = ['reject', 'warn'] as const;
/** The fate of jobs beyond the bound. */
const strategy = () =>
  Type.Read(
    { type: 'string', description: '`reject` or `warn`: what happens to jobs beyond the bound.' },
    'must be reject or warn',
    (given) => {
      const why = 'is not supported, because this server never delays or drops jobs; expected reject or warn';
      if (given === 'block' || given === 'drop_oldest') throw unsupported('strategy', `strategy ${given} ${why}`);
      return strategies.find((one) => one === given) ?? null;
    },
  );

/** An absent setting keeps its value, null deletes it. */
const settings = () => {
  const depth = () =>
    orNull(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Jobs that may wait; 0 for no bound.' }));
  return optional({
    max_size: depth(),
    overflow_policy: strategy(),
    concurrency: orNull(Type.Integer({ minimum: 0, description: 'Jobs that run at once.' })),
    ...Object.fromEntries(
      unsupportedSettings.map((name) => [name, refused(name, 'this server has no such setting for a queue')]),
    ),
    backpressure: orNull(
      Type.Object(
        optional({
          max_depth: depth(),
          strategy: strategy(),
          warning_threshold: numberFrom(0, 1, '', 'Part of the bound, 0.8 by default.'),
          max_size_bytes: refused('backpressure.max_size_bytes', 'queues are bounded by their number of jobs'),
        }),
      ),
    ),
    retention: Type.Object(
      optional({
        completed: duration('Must be that of the server.'),
        discarded: duration('Must be that of the server.'),
        cancelled: duration('Must be that of the server.'),
      }),
    ),
    rate_limit: orNull(rate()),
  });
};

const mode = () => Type.Enum(schemaModes, { description: '`strict` refuses jobs that do not match, `warn` warns.' });
const schema = {
  unknown: 'refuse',
  schema: () =>
    Type.Object({
      schema: Type.Record(Type.Unknown(), { description: 'A JSON Schema.' }),
      ...optional({
        type: Type.String({ description: 'Type of the jobs whose arguments it describes.' }),
        job_type: Type.String({ description: 'Another name of `type`.' }),
        version: Type.Union([Type.Integer(), Type.String()], { description: 'A number, or a version such as 1.0.0.' }),
        mode: mode(),
        uri: checked(
          (uri) => uri.length <= 2_048 && /^[a-z][a-z0-9+.-]*:\S+$/i.test(uri),
          'a URI, such as urn:ojs:schema:email.send:v1',
          {},
        ),
        created_at: Type.Unknown({ readOnly: true, description: 'Ignored: the server manages it.' }),
        validation: Type.Object(optional({ mode: mode() })),
      }),
    }),
} as const satisfies Body;

export const queueRequests = {
  'queue.list': { summary: 'All queues, in pages', query: page },
  'queue.create': {
    summary: 'Create a queue with its settings',
    audit: 'queue.created',
    body: {
      unknown: 'refuse',
      schema: () => Type.Object({ name: Type.String(), ...optional({ config: Type.Object(settings()) }) }),
    },
  },
  'queue.get': { summary: 'One queue with its settings, counts and figures' },
  'queue.delete': {
    summary: 'Delete a queue without jobs',
    audit: 'queue.deleted',
    query: { strategy: word('What happens to its jobs.', 'reject') },
    body: {
      unknown: 'refuse',
      optional: true,
      schema: () => Type.Object(optional({ strategy: Type.String(), target_queue: Type.String() })),
    },
  },
  'queue.config': { summary: 'Settings of a queue' },
  'queue.configure': {
    summary: 'Change settings of a queue',
    audit: 'queue.configured',
    query: create,
    body: {
      unknown: 'refuse',
      // A client may send the settings back unchanged.
      schema: () => {
        const answered = { queue: Type.String(), name: Type.String(), config: Type.Object(settings()) };
        return Type.Object({ ...settings(), ...optional(answered) });
      },
    },
  },
  'queue.limit': {
    summary: 'Set the limits of a queue',
    audit: 'queue.configured',
    query: create,
    body: {
      unknown: 'refuse',
      schema: () => Type.Object(optional({ concurrency: orNull(Type.Integer({ minimum: 0 })), rate: orNull(rate()) })),
    },
  },
  'queue.stats': { summary: 'Counts and figures of a queue' },
  'queue.pause': { summary: 'Stop handing out jobs of a queue', audit: 'queue.paused', query: create },
  'queue.resume': { summary: 'Hand out jobs of a queue again', audit: 'queue.resumed', query: create },
  'queue.purge': {
    summary: 'Delete jobs of a queue',
    audit: 'queue.purged',
    query: { ...states, older_than: olderThan, confirm },
    body: {
      unknown: 'refuse',
      optional: true,
      schema: () =>
        Type.Object(
          optional({
            ...statesMembers(),
            older_than: olderThanMember(),
            confirm: confirmMember(),
          }),
        ),
    },
  },
  'limit.list': {
    summary: 'Limits by key, in pages',
    query: {
      ...page,
      key: text('Only limits with this text in their key.'),
      sort: word('By key, or first the limits that hold back the most jobs.', 'key', 'waiting'),
    },
  },
  'limit.get': { summary: 'One limit' },
  'limit.override': {
    summary: 'Override a limit',
    audit: 'rate_limit.overridden',
    query: create,
    body: {
      unknown: 'refuse',
      schema: () => Type.Object(optional({ ...limitMembers(), expires_at: future('When the override ends.') })),
    },
  },
  'limit.restore': { summary: 'Remove the override of a limit', audit: 'rate_limit.restored' },
  'schema.list': { summary: 'All schemas, in pages', query: page },
  'schema.register': { summary: 'Register a schema for a type of jobs', audit: 'schema.registered', body: schema },
  'schema.get': { summary: 'The newest schema of a type' },
  'schema.versions': { summary: 'All versions of the schema of a type' },
  'schema.getVersion': { summary: 'One version of the schema of a type' },
  'schema.delete': { summary: 'Delete all versions of the schema of a type', audit: 'schema.deleted' },
  'schema.deleteVersion': { summary: 'Delete one version of the schema of a type', audit: 'schema.deleted' },
  'schema.put': { summary: 'Register the version that the path names', audit: 'schema.registered', body: schema },
  'schema.getFlat': { summary: 'The newest schema of a type, in the form of the admin API' },
  'schema.getVersionFlat': { summary: 'One version of a schema, in the form of the admin API' },
  'admin.queues': { summary: 'Queues with jobs by state, throughput, waits and runs', query: page },
  'admin.queue': { summary: 'One queue with its settings, in the form of the admin API' },
} as const satisfies Requests<keyof typeof queueOperations>;
