import { uuidv7 } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { goneIsDone } from './dead-letter.ts';
import { encoderOf } from './enqueue/encoder.ts';
import { OJSAnswerError, OJSValidationError } from './errors.ts';
import { type JsonArray, readRetry } from './job.ts';
import { booleanOf, compact, dateOf, isWire, listOf, numberOf, textOf, textsOf, type Wire, wireOf } from './json.ts';
import type { EnqueueMiddleware } from './middleware/types.ts';
import type { Operation } from './operation.ts';
import { type CallOptions, inQueue, type JobOptions } from './options.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';
import { problemOf, refuse } from './refusal.ts';
import { wireOptions } from './wire.ts';

/** When a cron runs, and the options of its jobs. */
export interface CronJobOptions extends Pick<JobOptions, 'queue' | 'meta' | 'priority' | 'retry' | 'tags'> {
  /** IANA name; default UTC. */
  timezone?: string;
  /** What happens while an earlier run is unfinished; default `skip`. */
  overlapPolicy?: OverlapPolicy;
  /** Default true. */
  enabled?: boolean;
}

export type OverlapPolicy = 'skip' | 'allow' | 'cancel_previous' | 'enqueue';

/** A cron to be registered. */
export interface CronJobRequest extends CronJobOptions {
  name: string;
  /** Five or six fields, or `@daily`, `@every 5m` and such (ojs-cron §3). */
  cron: string;
  type: string;
  args?: JsonArray;
}

/** A cron as the server has it. */
export interface CronJob extends Readonly<CronJobRequest> {
  /** null while it is disabled. */
  readonly nextRunAt: Date | null;
  readonly lastRunAt: Date | null;
  readonly runCount: number;
  readonly createdAt?: Date;
}

/** Registers it, or changes the one of this name. @throws {OJSValidationError} before anything is sent. */
export function* registerCronJob(request: CronJobRequest): Operation<CronJob> {
  const body = JSON.stringify(wireCron(request));
  // A second registration of the same is an update that changes nothing, so it is safe to repeat.
  return readCron(yield { call: { operation: 'cron.register', body, idempotencyKey: uuidv7() }, about: { queue: request.queue } });
}

/** A client's: with the queue of jobs that name none. The answer shows the args as they were before a middleware encoded them. */
export async function registerCron(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  queue: string | undefined,
  ...form: Parameters<typeof cronCall<CallOptions>>
): Promise<CronJob> {
  const { request, options = {} } = cronCall(...form);
  const sent = await encodedCron(request, middleware);
  const cron = await connection.ask(registerCronJob(inQueue(sent, queue)), options);
  return sent === request ? cron : { ...cron, args: request.args ?? [] };
}

/**
 * The cron as a client may send it: one with encryption among its middleware encodes the args, which every run of the cron has then.
 * @throws {OJSValidationError}
 */
async function encodedCron(request: CronJobRequest, middleware: readonly EnqueueMiddleware[]): Promise<CronJobRequest> {
  const encoders = middleware.map(encoderOf).filter((encode) => encode !== null);
  if (encoders.length === 0) return request;
  wireCron(request);
  let { args = [], meta = {} } = request;
  for (const encode of encoders) ({ args, meta } = await encode(args, meta));
  return { ...request, args, meta };
}

/** Both forms of a call as one. */
export function cronCall<O extends object>(
  first: string | CronJobRequest,
  second: string | O | undefined,
  type: string | undefined,
  args: JsonArray | undefined,
  options: (CronJobOptions & O) | undefined,
): { readonly request: CronJobRequest; readonly options: O | undefined } {
  if (typeof first !== 'string') return { request: first, options: typeof second === 'string' ? undefined : second };
  const cron = typeof second === 'string' ? second : '';
  return { request: { ...options, name: first, cron, type: type ?? '', args: args ?? [] }, options };
}

export function* listCronJobs(query: PageQuery): Operation<PageOf<CronJob>> {
  const body = yield { call: { operation: 'cron.list', query: { ...query } } };
  return readPage(body, query, listOf(body.cron_jobs ?? body.crons ?? body.items).map(readCron));
}

export function* unregisterCronJob(name: string): Operation<{ deleted: boolean; name: string }> {
  const call = { operation: 'cron.remove', params: { name }, idempotencyKey: uuidv7() } as const;
  const body = yield { call, settings: { recover: goneIsDone } };
  return { deleted: body.deleted !== false, name };
}

function wireCron(request: CronJobRequest): object {
  const { name, cron, type, args = [], meta, timezone, overlapPolicy, enabled, ...rest } = request;
  if (typeof name !== 'string' || name === '') throw OJSValidationError.of('name', 'expected a name for the cron');
  if (typeof cron !== 'string' || cron === '')
    throw OJSValidationError.of('cron', `expected an expression such as '0 9 * * *', got ${JSON.stringify(cron)}`);
  refuse(problemOf({ ...rest, type, args, ...(meta !== undefined && { meta }) }));
  return compact({ name, cron, type, args, meta, timezone, overlap_policy: overlapPolicy, enabled, options: wireOptions(rest) });
}

/** Takes the answer's wrappers, and the names of both dialects: `cron` with the job beside, `expression` with a `job_template`. */
function readCron(body: unknown): CronJob {
  const outer = wireOf(body) ?? {};
  const raw: Wire = wireOf(outer.cron_job) ?? wireOf(outer.cron) ?? outer;
  const name = textOf(raw.name);
  if (name === undefined) throw new OJSAnswerError('The answer holds no cron: expected an object with a name.');
  const template = wireOf(raw.job_template) ?? raw;
  const options = wireOf(raw.options) ?? wireOf(template.options) ?? {};
  const retry = wireOf(options.retry);
  return compact({
    name,
    cron: textOf(raw.cron) ?? textOf(raw.expression) ?? '',
    type: textOf(raw.type) ?? textOf(template.type) ?? '',
    args: listOf(raw.args ?? template.args),
    meta: wireOf(raw.meta ?? template.meta),
    queue: textOf(options.queue) ?? textOf(raw.queue),
    priority: numberOf(options.priority),
    tags: textsOf(options.tags),
    retry: isWire(retry) ? readRetry(retry) : undefined,
    timezone: textOf(raw.timezone),
    overlapPolicy: overlapOf(raw.overlap_policy),
    enabled: booleanOf(raw.enabled) ?? textOf(raw.status) !== 'disabled',
    nextRunAt: dateOf(raw.next_run_at) ?? null,
    lastRunAt: dateOf(raw.last_run_at) ?? null,
    runCount: numberOf(raw.run_count) ?? 0,
    createdAt: dateOf(raw.created_at),
  });
}

const overlaps: readonly OverlapPolicy[] = ['skip', 'allow', 'cancel_previous', 'enqueue'];

function overlapOf(value: unknown): OverlapPolicy | undefined {
  return overlaps.find((one) => one === value);
}
