import { type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import type { Operation } from '../connection/operation.ts';
import { OJSAnswerError, OJSValidationError } from '../errors.ts';
import { definitionOf, type JobDef, parseArgs, parseArgsNow } from '../job/definition.ts';
import { type CallOptions, callNames, inQueue, type JobOptions, jobNames, withDefaults } from '../job/options.ts';
import type { JobState } from '../job/policies.ts';
import { stateOf } from '../job/read-job.ts';
import { problemOf, refuse } from '../job/validate-request.ts';
import { readJobOptions, wireOptions } from '../job/wire.ts';
import {
  booleanOf,
  compact,
  dateOf,
  eachOf,
  type JsonArray,
  listOf,
  numberOf,
  oneOf,
  textOf,
  type Wire,
  wireOf,
} from '../json.ts';
import { type EnqueueMiddleware, encoderOf } from '../middleware/types.ts';
import { checkNames } from '../options/check-names.ts';
import { integer } from '../options/values.ts';
import type { PageQuery } from './page.ts';
import { change, list, read, remove } from './row.ts';

/** Options that a run cannot have: each run has an id of its own, and the cron job sets its time. */
const perJob = [
  'id',
  'delay',
  'delayUntil',
  'scheduledAt',
  'expiresAt',
  'pending',
] as const satisfies readonly (keyof JobOptions)[];

/** When a cron job runs, and the options of its jobs. Use `enqueueTtl` for runs that must not start late. */
export interface CronJobOptions extends Omit<JobOptions, (typeof perJob)[number]> {
  /** IANA time zone. Default: UTC. */
  timezone?: string | undefined;
  /** The action of a tick while the previous run has not ended. Default: `skip`. */
  overlapPolicy?: OverlapPolicy | undefined;
  /** `false` registers it without runs. Default: true. An operator's pause is kept in both cases. */
  enabled?: boolean | undefined;
  /** A description for people. */
  description?: string | undefined;
}

/**
 * The action of a tick while the run before it has not ended (ojs-cron §6): `skip` leaves it out, `allow` runs both,
 * `cancel_previous` ends the older one, `enqueue` waits for it.
 */
export type OverlapPolicy = 'skip' | 'allow' | 'cancel_previous' | 'enqueue';

/**
 * A cron job to register. With a definition, write `...job(definition, args, options)` in place of `type` and `args`.
 */
export interface CronJobRequest extends CronJobOptions {
  name: string;
  /** Five or six fields, or a form such as `@daily` or `@every 5m` (ojs-cron §3). */
  cron: string;
  type: string;
  args?: JsonArray | undefined;
  /** The definition, set by {@link job}. */
  readonly [definitionOf]?: JobDef | undefined;
}

const {
  id: _id,
  delay: _delay,
  delayUntil: _until,
  scheduledAt: _at,
  expiresAt: _expiry,
  pending: _pending,
  ...runNames
} = jobNames;
const optionNames: NamesOf<CronJobOptions> = {
  ...{ ...runNames, timezone: true, overlapPolicy: true, enabled: true, description: true },
};
const requestNames = {
  ...{ ...optionNames, name: true, cron: true, type: true, args: true },
} satisfies NamesOf<CronJobRequest>;

/** Changes of the times of a cron job. To change its jobs, register it again. */
export type CronJobChanges = Partial<Pick<CronJobRequest, keyof typeof changeNames>>;
const changeNames = {
  ...{ cron: true, timezone: true, overlapPolicy: true, enabled: true, description: true },
} as const satisfies Partial<NamesOf<CronJobRequest>>;

/** A cron job as the server describes it. */
export interface CronJob extends Readonly<CronJobRequest> {
  /** True if the cron runs: it was registered as enabled, and no operator has paused it. */
  readonly enabled: boolean;
  /** `enabled` of the registration. */
  readonly registeredEnabled?: boolean;
  /** The time at which an operator paused it; null if it is not paused. */
  readonly pausedAt?: Date | null;
  /** null while the cron job does not run. */
  readonly nextRunAt: Date | null;
  /** True if it is enabled and its expression matches no time, such as the 30th of February. */
  readonly neverRuns?: boolean;
  readonly lastRunAt: Date | null;
  /** The job of the last run; null without a run. */
  readonly lastJobId?: string | null;
  /** The state of that job, in answers of `getCronJob` and `listCronJobs`; null if the job is deleted. */
  readonly lastJobState?: JobState | null;
  readonly runCount: number;
  readonly createdAt?: Date;
}

/** Options of {@link Client.cronRuns}. */
type CronRunsOptions = CallOptions & { count?: number | undefined };

/** Registers a cron job, or updates the one of this name. @throws {OJSValidationError} before anything is sent. */
export function* registerCronJob(request: CronJobRequest, logger: Logger): Operation<CronJob> {
  const body = JSON.stringify(wireCron(request));
  // The server writes nothing for a registration that it has already, so a retry is safe.
  const answer = yield {
    call: { operation: 'cron.register', body, idempotencyKey: uuidv7() },
    about: { queue: request.queue },
  };
  const cron = readCron(answer);
  tellWarnings(cron, answer, logger);
  return cron;
}

/** Warnings about a valid but unusual expression: those of the server, else that there is no next time. */
function tellWarnings({ name, cron, nextRunAt, enabled }: CronJob, answer: Wire, logger: Logger): void {
  const texts = eachOf(answer.warnings, (warning) => textOf(warning) ?? textOf(wireOf(warning)?.message));
  const warnings =
    texts.length === 0 && nextRunAt === null && enabled !== false ? ['never runs: it has no next time'] : texts;
  if (warnings.length > 0) logger.warn('cron registered with warnings', { name, cron, nextRunAt, warnings });
}

const runsNames: NamesOf<CronRunsOptions> = { ...callNames, count: true };

export const cronRows = {
  /** The first page. Iterating over it reads the following pages too. */
  listCronJobs: () => (query: PageQuery) => list('cron.list', query, ['cron_jobs', 'crons', 'items'], readCron),
  /** @throws {JobNotFoundError} if no cron job has this name. */
  getCronJob: (name: string) => read({ operation: 'cron.get', params: { name } }, readCron),
  /**
   * Changes when the cron job runs; fields that are left out stay. To change its jobs, register it again. @throws
   * {OJSValidationError}, {JobNotFoundError}
   */
  updateCronJob: (name: string, changes: CronJobChanges) => {
    checkNames(changes, changeNames);
    const { cron, timezone, overlapPolicy, enabled, description } = changes;
    if (cron !== undefined) checkExpression(cron);
    const own = compact({ cron, timezone, overlap_policy: overlapPolicy, enabled, description });
    if (Object.keys(own).length === 0)
      throw OJSValidationError.of('changes', `expected at least one of ${Object.keys(changeNames).join(', ')}`);
    return change({ operation: 'cron.update', params: { name }, body: JSON.stringify(own) }, readCron);
  },
  /**
   * Stops the cron job until it is resumed. Runs that it misses while it is paused do not happen later. @throws
   * {JobNotFoundError}
   */
  pauseCronJob: (name: string) => change({ operation: 'cron.pause', params: { name } }, readCron),
  /** Lets the cron job run again, from its next time on. @throws {JobNotFoundError} */
  resumeCronJob: (name: string) => change({ operation: 'cron.resume', params: { name } }, readCron),
  /**
   * Enqueues one run now, even if the call is repeated: also of a paused cron job and against its overlap policy.
   * @throws {JobNotFoundError}
   */
  triggerCronJob: (name: string) =>
    change({ operation: 'cron.trigger', params: { name } }, (body) => {
      const jobId = textOf(body.job_id);
      if (jobId === undefined) throw new OJSAnswerError('The answer lacks job_id.');
      return { jobId, cron: readCron(body) };
    }),
  /**
   * The next times of a cron job, by the server: `count` of them, by default 10; none while it is paused. {@link
   * nextRuns} computes those of any expression.
   */
  cronRuns: {
    names: runsNames,
    make: (name: string, { count = 10 }: CronRunsOptions) => {
      const query = { limit: integer(count, 'count', 1) };
      return read({ operation: 'cron.runs', params: { name }, query }, ({ runs }) => eachOf(runs, dateOf));
    },
  },
  /** Removes a cron job. Jobs that it has enqueued stay. @throws {JobNotFoundError} if no cron job has this name. */
  unregisterCronJob: (name: string) => remove({ operation: 'cron.remove', params: { name } }, { name }),
};

/**
 * Registers a cron job of a client. @param queue the queue of jobs that name none. The returned args are those before a
 * middleware encoded them.
 */
export async function registerCron(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  queue: string | undefined,
  ...form: Parameters<typeof cronCall<CallOptions>>
): Promise<CronJob> {
  const { request, options = {} } = cronCall(...form);
  const { args = [], [definitionOf]: definition } = request;
  if (definition !== undefined) {
    wireCron(request);
    await parseArgs(definition, args);
  }
  const sent = await encodedCron(request, middleware);
  const cron = await connection.carry(registerCronJob(inQueue(sent, queue), connection.logger), options);
  return sent === request ? cron : { ...cron, args };
}

/** Same, synchronously and without middleware. @throws {OJSValidationError} also for an asynchronous schema. */
export function checkedCron(request: CronJobRequest): CronJobRequest {
  const { args = [], [definitionOf]: definition } = request;
  if (definition !== undefined) parseArgsNow(definition, args);
  return request;
}

/**
 * The cron job as the client sends it. If the client has encryption middleware, that encodes the args of all runs.
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

/** Reads every form of the call. @throws {OJSValidationError} for an unknown option. */
export function cronCall<O extends Pick<CallOptions, 'requestTimeout'>>(
  first: string | CronJobRequest,
  second: string | O | undefined,
  job: string | JobDef | undefined,
  args: JsonArray | undefined,
  options: (CronJobOptions & O) | undefined,
): { readonly request: CronJobRequest; readonly options: O | undefined } {
  if (typeof first !== 'string') {
    const call = typeof second === 'string' ? undefined : second;
    checkNames(withoutPerJob(first), requestNames);
    checkNames(call ?? {}, callNames);
    return { request: first, options: call };
  }
  checkNames(withoutPerJob(options ?? {}), { ...optionNames, ...callNames });
  const own = { ...options };
  // Options of the call, not of the cron job.
  for (const name of ['signal', 'requestTimeout']) Reflect.deleteProperty(own, name);
  const typed = typeof job === 'object';
  const request = {
    ...(typed ? withDefaults(job.defaults, own) : own),
    ...{
      name: first,
      cron: typeof second === 'string' ? second : '',
      type: typed ? job.type : (job ?? ''),
      args: args ?? [],
    },
    ...(typed && { [definitionOf]: job }),
  };
  return { request, options };
}

function wireCron(request: CronJobRequest): object {
  const { name, cron, type, args = [], meta, schema, timezone, overlapPolicy, enabled, description, ...rest } = request;
  if (typeof name !== 'string' || name === '')
    throw OJSValidationError.of('name', "expected a name such as 'nightly-report'", name);
  checkExpression(cron);
  refusePerJob(rest);
  refuse(problemOf({ ...rest, type, args, ...(meta !== undefined && { meta }) }));
  return compact({
    ...{ name, cron, type, args, meta, schema, timezone, overlap_policy: overlapPolicy, enabled, description },
    options: wireOptions(rest),
  });
}

function checkExpression(cron: unknown): void {
  if (typeof cron !== 'string' || cron === '')
    throw OJSValidationError.of('cron', `expected an expression such as '0 9 * * *', got ${JSON.stringify(cron)}`);
}

/** Options that a run cannot have are known here, because a later check refuses them with a reason. */
function withoutPerJob(options: object): object {
  if (options === null || Array.isArray(options)) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => !perJob.some((one) => one === name)));
}

function refusePerJob(options: object): void {
  const name = perJob.find((one) => Reflect.get(options, one) !== undefined);
  if (name === undefined) return;
  const instead = name === 'expiresAt' ? '; enqueueTtl limits how long a run may wait' : '';
  throw OJSValidationError.of(name, `not an option of a cron: each run has its own id and times${instead}`);
}

/**
 * Reads an answer with and without a wrapper, and both dialects: `cron` with the job beside it, and `expression` with a
 * `job_template`.
 */
function readCron(body: unknown): CronJob {
  const raw = cronIn(body);
  const name = textOf(raw.name);
  if (name === undefined) throw new OJSAnswerError('The answer holds no cron: expected an object with a name.');
  const template = wireOf(raw.job_template) ?? raw;
  const options = optionsOf(raw);
  return compact({
    ...readJobOptions(options),
    name,
    cron: textOf(raw.cron) ?? textOf(raw.expression) ?? '',
    type: textOf(raw.type) ?? textOf(template.type) ?? '',
    args: listOf(raw.args ?? template.args),
    meta: wireOf(raw.meta ?? template.meta),
    schema: textOf(template.schema),
    queue: textOf(options.queue) ?? textOf(raw.queue),
    timezone: textOf(raw.timezone),
    overlapPolicy: overlapOf(raw.overlap_policy),
    description: textOf(raw.description),
    enabled: booleanOf(raw.enabled) ?? textOf(raw.status) !== 'disabled',
    registeredEnabled: booleanOf(raw.registered_enabled),
    pausedAt: raw.paused_at === null ? null : dateOf(raw.paused_at),
    nextRunAt: dateOf(raw.next_run_at) ?? null,
    neverRuns: booleanOf(raw.never_runs),
    lastRunAt: dateOf(raw.last_run_at) ?? null,
    lastJobId: raw.last_job_id === null ? null : textOf(raw.last_job_id),
    lastJobState: raw.last_job_state === null ? null : stateOf(raw.last_job_state),
    runCount: numberOf(raw.run_count) ?? 0,
    createdAt: dateOf(raw.created_at),
  });
}

function cronIn(body: unknown): Wire {
  const outer = wireOf(body) ?? {};
  return wireOf(outer.cron_job) ?? wireOf(outer.cron) ?? outer;
}

/** The options of its jobs, in `options` or beside the other fields. */
function optionsOf(raw: Wire): Wire {
  const template = wireOf(raw.job_template) ?? raw;
  return { ...template, ...(wireOf(raw.options) ?? wireOf(template.options)) };
}

const overlapOf = oneOf<OverlapPolicy>('skip', 'allow', 'cancel_previous', 'enqueue');
