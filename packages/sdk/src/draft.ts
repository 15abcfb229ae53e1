import { isKnown, isUuidv7, uuidv7 } from '@ojs-ts/core';
import { isJson } from './arguments.ts';
import type { JsonArray, Meta } from './job.ts';
import { compact } from './json.ts';
import { isJobType, isQueueName } from './names.ts';
import { definitionOf, type JobOptions, type JobRequest, requestNames, spellings } from './options.ts';

/** A request in its wire form, with what a retry and an error need to know of it. */
export interface WireRequest {
  readonly id: string;
  readonly queue: string;
  /** JSON text, in the shape of ojs-http-binding §9.1. */
  readonly text: string;
}

/** A request of which all is written but the options: `text` lacks them, and its end. */
export interface Draft extends WireRequest {}

/** Of a sound request. */
export function draftOf(request: JobRequest): Draft {
  const { id = uuidv7(), queue = 'default' } = request;
  return { id, queue, text: JSON.stringify({ id, ...bodyOf(request) }).slice(0, -1) };
}

/** A request as it was when it was called. */
export interface Drafted {
  readonly request: JobRequest;
  /** null for one that cannot be sent. */
  readonly draft: Draft | null;
}

export function drafted(request: JobRequest): Drafted {
  return { request, draft: isSound(request) ? draftOf(request) : null };
}

/** @param options in their wire form. */
export function finished({ id, queue, text }: Draft, options: object): WireRequest {
  return { id, queue, text: `${text},"options":${JSON.stringify(options)}}` };
}

/** What a request says besides its options, in its wire form. */
export interface RequestBody {
  readonly type: string;
  readonly args: JsonArray;
  readonly meta: Meta | undefined;
  readonly schema: string | undefined;
}

export function bodyOf({ type, args, meta, schema }: JobRequest): RequestBody {
  return { type, args, meta, schema };
}

/** In either direction. */
export const maxPriority = 100;

/** What a rule is about. */
export type Ruled = 'type' | 'args' | 'meta' | 'id' | 'queue' | 'priority';

/** What holds of every request that is sent. The words for one of which it does not are in `refusal.ts`: a program whose requests are good does without them. */
export const rules: readonly (readonly [Ruled, (value: unknown) => boolean])[] = [
  ['type', isJobType],
  ['args', (args) => Array.isArray(args) && isJson(args)],
  ['meta', (meta) => meta === undefined || isJson(meta)],
  ['id', (id) => id === undefined || isUuidv7(id)],
  ['queue', (queue) => queue === undefined || isQueueName(queue)],
  [
    'priority',
    (priority) => priority === undefined || (Number.isInteger(priority) && Math.abs(Number(priority)) <= maxPriority),
  ],
];

function isSound(request: JobRequest): boolean {
  return rules.every(([name, holds]) => holds(request[name])) && isKnown(request, requestNames);
}

/** Options whose wire form is read from a time or a policy; see `wire.ts`. */
const derived: readonly (keyof JobOptions)[] = [
  ...spellings.flat(),
  ...(['expiresAt', 'retry', 'unique', 'visibilityTimeoutMs', 'limits', 'resultTtl', 'resultSizeLimit'] as const),
  ...(['totalTimeout', 'enqueueTtl', 'gracePeriod', 'heartbeatTimeout', 'pending'] as const),
];

/** Whether the request has no schema to be checked by, and {@link plainOptions} is all that its options say. */
export function isPlain(request: JobRequest): boolean {
  return request[definitionOf]?.schemas === undefined && derived.every((name) => request[name] === undefined);
}

/** The options that are sent as they are given. */
export function plainOptions({ queue, priority, tags }: JobOptions): object {
  return compact({ queue, priority, tags });
}
