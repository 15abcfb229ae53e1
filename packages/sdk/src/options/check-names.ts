import {
  editDistance,
  findUnknownName,
  isKnown,
  type Names,
  nearestName,
  type UnknownName,
  within,
} from '@ojs-ts/core';
import { OJSValidationError, type ValidationProblem } from '../errors.ts';

/** @throws {OJSValidationError} for a value that is no object, and for an unknown name at any depth. */
export function checkNames(options: unknown, names: Names, path = ''): void {
  if (isKnown(options, names)) return;
  const problem = nameProblem(options, names, path);
  if (problem !== null) throw OJSValidationError.of(problem.path, problem.message);
}

/** The problem that {@link checkNames} throws; null if all names are known. */
export function nameProblem(options: unknown, names: Names, path = ''): ValidationProblem | null {
  const unknown = findUnknownName(options, names, path);
  if (unknown === null) return null;
  const place = unknown.path === '' ? 'options' : unknown.path;
  if (unknown.name === null)
    return {
      path: place,
      message: `expected an object such as ${exampleOf(unknown)}, got ${describeValue(unknown.value)}`,
    };
  return {
    path: within(unknown.path, unknown.name),
    message: `unknown option.${moved(unknown) ?? adviceOn(unknown.name, unknown.names)}`,
  };
}

/**
 * Advice for `options: {…}`: on the wire the options of a job are in an object, in a request they are beside its type.
 */
function moved({ name, names, value }: UnknownName): string | null {
  if (name !== 'options' || !has(names, 'type') || !has(names, 'args')) return null;
  const given = typeof value === 'object' && value !== null ? Object.keys(value).slice(0, 3) : [];
  return ` Put ${given.join(', ') || 'its members'} beside type, not in an object of their own.`;
}

/** ` Did you mean id?`, or the names that there are. */
export function adviceOn(name: string, names: Names): string {
  const meant = meantBy(name, names);
  if (meant !== undefined) return ` Did you mean ${meant}?`;
  return ` ${instead[bare(name)] ?? `There are ${Object.keys(names).join(', ')}.`}`;
}

/** The name in the spelling of the tables below. */
function bare(name: string): string {
  return name.toLowerCase().replace(/[_.-]/g, '');
}

function meantBy(given: string, names: Names): string | undefined {
  const word = bare(given);
  const words = elsewhere[word] ?? [];
  if (unmistakable.has(word)) return words.find((one) => has(names, one));
  const near = nearestName(given, Object.keys(names));
  // A difference of one letter is a typo, whatever the word means in other libraries.
  if (near !== undefined && editDistance(given, near) === 1) return near;
  return words.find((word) => has(names, word)) ?? near ?? nearestInside(given, names);
}

/** Reports whether the path names an option, such as `retry.maxAttempts`. */
function has(names: Names, path: string): boolean {
  let inner: true | Names | undefined = names;
  for (const name of path.split('.')) {
    if (inner === undefined || inner === true || !Object.hasOwn(inner, name)) return false;
    inner = inner[name];
  }
  return true;
}

function nearestInside(given: string, names: Names): string | undefined {
  for (const [outer, inner] of Object.entries(names)) {
    const near = inner === true ? undefined : nearestName(given, Object.keys(inner));
    if (near !== undefined) return within(outer, near);
  }
  return undefined;
}

/** Examples for messages. */
const examples: Readonly<Record<string, string>> = {
  retry: '{ maxAttempts: 5 }',
  unique: "{ keys: ['type', 'args'], period: '1h' }",
  requestRetry: '{ maxRetries: 3 }',
};

function exampleOf({ path, names }: UnknownName): string {
  return examples[path.split('.').at(-1) ?? ''] ?? `{ ${Object.keys(names)[0]}: … }`;
}

/** A value for a message. Strings may be secrets, so only their type is given. */
export function describeValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value);
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const maxAttempts = ['maxAttempts', 'retry.maxAttempts', 'requestRetry', 'maxRetries'];
const firstPause = ['initialInterval', 'retry.initialInterval', 'minBackoff', 'baseDelay', 'requestRetry'];
const startTime = ['scheduledAt'];
const unique = ['unique'];
const schedule = ['cron'];
const limits = ['limits', 'rate'];
const before = ['after'];
const address = ['url', 'target'];

/** Names of options in other libraries, in lower case, and our names for them; the first that exists is suggested. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  // BullMQ: https://api.docs.bullmq.io/interfaces/v5.BaseJobOptions.html
  attempts: maxAttempts,
  backoff: firstPause,
  deduplication: unique,
  debounce: unique,
  jobs: ['steps'],
  data: ['args'],
  payload: ['args'],
  arguments: ['args'],
  repeat: schedule,
  pattern: schedule,
  tz: ['timezone'],
  limiter: limits,
  lockduration: ['visibilityTimeout'],
  connection: address,
  // pg-boss: https://timgit.github.io/pg-boss/#/./api/jobs
  startafter: startTime,
  singletonkey: unique,
  singletonseconds: ['unique.period'],
  retrylimit: maxAttempts,
  retrydelay: firstPause,
  retrybackoff: ['backoffCoefficient', 'retry.backoffCoefficient'],
  retrydelaymax: ['maxInterval', 'retry.maxInterval'],
  expireinseconds: ['timeout'],
  deadletter: ['onExhaustion', 'retry.onExhaustion'],
  batchsize: ['concurrency'],
  // Celery: https://docs.celeryq.dev/en/stable/reference/celery.app.task.html
  taskid: ['id'],
  countdown: ['delay'],
  eta: startTime,
  expires: ['expiresAt'],
  ratelimit: limits,
  timelimit: ['timeout'],
  softtimelimit: ['timeout'],
  maxretries: maxAttempts,
  defaultretrydelay: firstPause,
  routingkey: ['queue'],
  headers: ['meta'],
  // graphile-worker: https://worker.graphile.org/docs/library/add-job
  runat: startTime,
  jobkey: unique,
  jobkeymode: ['unique.onConflict'],
  queuename: ['queue', 'queues'],
  flags: ['tags'],
  // Sidekiq, Active Job
  at: startTime,
  waituntil: startTime,
  wait: ['delay'],
  in: ['delay'],
  uniquefor: ['unique.period'],
  // Other common words.
  uniquekey: unique,
  schedule,
  expression: schedule,
  concurrency: limits,
  dependson: before,
  dependencies: before,
  needs: before,
  idempotencykey: ['id'],
  ttl: ['expiresAt'],
  deadline: ['expiresAt', 'requestTimeout'],
  metadata: ['meta'],
  labels: ['tags'],
  name: ['type'],
  type: ['jobType'],
  retries: maxAttempts,
  retry: ['requestRetry'],
  threads: ['concurrency'],
  poolsize: ['concurrency'],
  baseurl: address,
  endpoint: address,
  host: address,
  server: address,
  url: ['target'],
  target: ['url'],
  auth: ['token'],
  apikey: ['token'],
  authtoken: ['token'],
};

/** Words that differ by one letter from an option of ours but never mean it: `eta` is not `meta`. */
const unmistakable: ReadonlySet<string> = new Set(['eta', 'tz']);

const aCron = 'Use registerCronJob() for a job that repeats.';
const ownId = 'Use unique to refuse duplicates; id is a UUIDv7.';
const removal = 'The server decides how long it keeps ended jobs: see its option retention.';

/** Advice for words without such an option. */
const instead: Readonly<Record<string, string>> = {
  repeat: aCron,
  cron: aCron,
  pattern: aCron,
  removeoncomplete: removal,
  removeonfail: removal,
  jobid: ownId,
};
