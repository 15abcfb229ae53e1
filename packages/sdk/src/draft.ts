import { isUuidv7, uuidv7 } from '@ojs-ts/core';
import { firstFlaw } from './arguments.ts';
import type { Flaw } from './flaw.ts';
import type { JsonArray, Meta } from './job.ts';
import { compact } from './json.ts';
import { isJobType, isQueueName } from './names.ts';
import type { JobOptions, JobRequest } from './options.ts';

/** A request in its wire form, with what a retry and an error need to know of it. */
export interface WireRequest {
  readonly id: string;
  readonly queue: string;
  /** JSON text, in the shape of ojs-http-binding §9.1. */
  readonly text: string;
}

/** A request of which all is written but the options: `text` lacks them, and its end. */
export interface Draft extends WireRequest {}

/** Of a request without a flaw. */
export function draftOf(request: JobRequest): Draft {
  const { id = uuidv7(), queue = 'default' } = request;
  return { id, queue, text: JSON.stringify({ id, ...bodyOf(request) }).slice(0, -1) };
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

/** What is wrong with the request, its options apart; null for nothing. */
export function bodyFlaw({ type, args, meta, id }: JobRequest): Flaw | null {
  if (!isJobType(type)) return { path: 'type', rule: 'type', value: type };
  if (!Array.isArray(args)) return { path: 'args', rule: 'args', value: args };
  const flaw = firstFlaw(args, 'args') ?? (meta === undefined ? null : firstFlaw(meta, 'meta'));
  return flaw ?? (id === undefined || isUuidv7(id) ? null : { path: 'id', rule: 'id', value: id });
}

/** Options whose wire form is read from a time or a policy; see `wire.ts`. */
const derived = [
  'timeoutMs',
  'timeout',
  'delayUntil',
  'scheduledAt',
  'delay',
  'expiresAt',
  'retry',
  'unique',
  'visibilityTimeoutMs',
] as const satisfies readonly (keyof JobOptions)[];

/** Whether {@link plainOptions} is all that the options say. */
export function isPlain(options: JobOptions): boolean {
  return derived.every((name) => options[name] === undefined);
}

/** The options that are sent as they are given. */
export function plainOptions({ queue, priority, tags }: JobOptions): object {
  return compact({ queue, priority, tags });
}

/** In either direction. */
export const maxPriority = 100;

/** What is wrong with those of {@link plainOptions}; null for nothing. */
export function optionsFlaw(options: JobOptions): Flaw | null {
  const { queue, priority } = options;
  if (queue !== undefined && !isQueueName(queue)) return { path: 'queue', rule: 'queue', value: queue };
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= maxPriority)) {
    return { path: 'priority', rule: 'priority', value: priority };
  }
  return nameFlaw(options);
}

/** Names of another SDK, such as `timeout_ms`, would do nothing in silence where the compiler does not see them. */
export function nameFlaw(options: object, path = ''): Flaw | null {
  const name = Object.keys(options).find((key) => /^[a-z]+(_[a-z]+)+$/.test(key));
  return name === undefined ? null : { path: `${path}${name}`, rule: 'camel', value: name };
}
