import { rules } from '../envelope/validate.ts';
import { errorFingerprint, Failed, failureOf, isFingerprint, normalisedMessage } from '../job/error-fingerprint.ts';
import { historyOf } from '../job/history.ts';
import { type JobRecord, type Json, queueLimitKey } from '../job/job.ts';
import { resultOf } from '../job/result.ts';
import { State, type StateMask, Terminal } from '../job/states.ts';
import { valueAt } from '../json/json.ts';
import { isJobType, isQueueName } from '../names.ts';
import type { Millis } from '../time/clock.ts';
import { isUuidv7 } from '../uuid.ts';

export type Order = '<' | '<=' | '>' | '>=';
/** `=` is another spelling of `:`. */
export type Operator = ':' | '!=' | '~' | Order;

/** The operators that a term of each kind of field may use. */
export const operatorsOf = {
  states: [':', '!='],
  flag: [':', '!='],
  text: [':', '!=', '~'],
  /** Searched, never compared. */
  everything: ['~'],
  number: [':', '!=', '<', '<=', '>', '>='],
  time: [':', '!=', '<', '<=', '>', '>='],
  age: ['<', '<=', '>', '>='],
  json: [':', '!=', '~', '<', '<=', '>', '>='],
} as const satisfies Record<string, readonly Operator[]>;

interface Named {
  /** Other names, most of them those of the envelope. */
  readonly aliases: readonly string[];
  /** The states whose jobs can have a value; absent if all can. */
  readonly states?: StateMask;
}

/** A field of the query language: where its values are, and what a storage finds by an index. */
export type Field = Named &
  (
    | { readonly kind: 'states' | 'age' }
    | { readonly kind: 'flag'; readonly read: (job: JobRecord) => boolean }
    | {
        readonly kind: 'text';
        /** One of them must match. */
        readonly read: (job: JobRecord) => readonly string[];
        /** The values that an index can look up; a job has no other. Absent without an index. */
        readonly indexed?: (value: string) => boolean;
        /**
         * Converts a whole value of a query for the comparison. Absent if the value is compared unchanged. Absent where
         * it is compared as it is.
         */
        readonly comparedAs?: (text: string) => string;
      }
    | { readonly kind: 'everything'; readonly read: (job: JobRecord) => readonly string[] }
    | { readonly kind: 'number'; readonly read: (job: JobRecord) => number }
    | { readonly kind: 'time'; readonly read: (job: JobRecord) => Millis | null }
    | {
        readonly kind: 'json';
        /** The document; `at` is the path of the field in it. */
        readonly read: (job: JobRecord, now: Millis) => Json | null;
        readonly at: readonly string[];
        /** The kind of the first step: `args` is an array, `meta` an object. */
        readonly first: 'position' | 'name' | 'any';
      }
  );

export const fields = {
  id: { kind: 'text', aliases: ['job_id'], read: ({ id }) => [id], indexed: isUuidv7 },
  state: { kind: 'states', aliases: ['states'] },
  queue: { kind: 'text', aliases: [], read: ({ queue }) => [queue], indexed: isQueueName },
  type: { kind: 'text', aliases: ['job_type'], read: ({ type }) => [type], indexed: isJobType },
  tag: { kind: 'text', aliases: ['tags'], read: tagsOf },
  worker: { kind: 'text', aliases: ['worker_id'], read: ({ worker }) => given(worker) },
  workflow: { kind: 'text', aliases: ['workflow_id'], read: ({ node }) => given(node?.workflow) },
  cron: { kind: 'text', aliases: [], read: ({ cron }) => given(cron) },
  unique: { kind: 'text', aliases: ['unique_key'], read: ({ uniqueKey }) => given(uniqueKey) },
  limit: { kind: 'text', aliases: ['limits'], read: ({ limits, queue }) => [...limits, queueLimitKey(queue)] },
  error: { kind: 'text', aliases: ['errors'], read: errorsOf },
  fingerprint: {
    kind: 'text',
    aliases: ['error_fingerprint'],
    states: Failed,
    read: (job) => given(errorFingerprint(job)),
    indexed: isFingerprint,
  },
  message: {
    kind: 'text',
    aliases: ['error_message'],
    states: Failed,
    read: messageOf,
    indexed: () => true,
    comparedAs: normalisedMessage,
  },
  text: { kind: 'everything', aliases: [], read: everythingOf },
  attempts: { kind: 'number', aliases: ['attempt'], read: ({ attempt }) => attempt },
  priority: { kind: 'number', aliases: [], read: ({ priority }) => priority },
  dead: { kind: 'flag', aliases: ['dead_letter'], read: ({ deadLetter }) => deadLetter },
  created: { kind: 'time', aliases: ['created_at'], read: ({ createdAt }) => createdAt },
  enqueued: { kind: 'time', aliases: ['enqueued_at'], read: ({ enqueuedAt }) => enqueuedAt },
  scheduled: {
    kind: 'time',
    aliases: ['scheduled_at', 'next_attempt_at'],
    states: State.scheduled | State.retryable,
    read: ({ state, runAt }) => (state === State.scheduled || state === State.retryable ? runAt : null),
  },
  started: { kind: 'time', aliases: ['started_at'], read: ({ startedAt }) => startedAt },
  finished: {
    kind: 'time',
    aliases: ['finished_at', 'completed_at', 'cancelled_at', 'discarded_at'],
    states: Terminal,
    read: ({ finishedAt }) => finishedAt,
  },
  age: { kind: 'age', aliases: [] },
  args: { kind: 'json', aliases: [], read: ({ envelope }) => envelope, at: ['args'], first: 'position' },
  meta: { kind: 'json', aliases: [], read: ({ envelope }) => envelope, at: ['meta'], first: 'name' },
  result: { kind: 'json', aliases: [], states: State.completed, read: resultOf, at: [], first: 'any' },
} as const satisfies Readonly<Record<string, Field>>;

export type FieldName = keyof typeof fields;

/**
 * Reports whether the values reveal something of arguments, meta or results. A unique key is a digest without a secret,
 * so guesses can be tried on it (ojs-unique-jobs §12).
 */
export function tellsPayload(field: FieldName): boolean {
  const { kind } = fields[field];
  return kind === 'json' || kind === 'everything' || field === 'unique';
}

/** The names of the fields of one kind. */
export type FieldOf<Kind extends Field['kind']> = {
  [Name in FieldName]: (typeof fields)[Name]['kind'] extends Kind ? Name : never;
}[FieldName];

/** The field with this name or alias. */
export function fieldNamed(name: string): FieldName | undefined {
  return fieldNames().find((field) => field === name || aliasesOf(field).includes(name));
}

/** Every name that a query may use. */
export function queryNames(): readonly string[] {
  return fieldNames().flatMap((field) => [field, ...aliasesOf(field)]);
}

export function fieldNames(): readonly FieldName[] {
  return Object.keys(fields).filter(isFieldName);
}

function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(fields, name);
}

function aliasesOf(name: FieldName): readonly string[] {
  return fields[name].aliases;
}

function given(value: string | null | undefined): readonly string[] {
  return value == null ? [] : [value];
}

function tagsOf({ envelope }: JobRecord): readonly string[] {
  const tags: unknown = JSON.parse(valueAt(envelope, ['tags']) ?? 'null');
  return rules.names.is(tags) ? tags : [];
}

/** The message of the last error, with placeholders for what varies. */
function messageOf(job: JobRecord): readonly string[] {
  const error = failureOf(job);
  return error === null ? [] : [normalisedMessage(error.message)];
}

/** Code, type and message of every error that the job remembers. */
function errorsOf(job: JobRecord): readonly string[] {
  return historyOf(job).flatMap((entry) =>
    'error' in entry ? [entry.error.code, entry.error.type, entry.error.message] : [],
  );
}

/** Returns the texts that a word without a field is searched in: args and meta as the client wrote them. */
function everythingOf(job: JobRecord): readonly string[] {
  const { id, type, queue, envelope } = job;
  const documents = [valueAt(envelope, ['args']), valueAt(envelope, ['meta'])];
  return [id, type, queue, ...documents.filter((text) => text !== undefined), ...errorsOf(job)];
}
