import { isObject, isUuidv7, type Millis, members, parseTimestamp } from '@ojs-ts/core';
import type { JobId, Json, Leases } from '@ojs-ts/core/job';
import type { Fields } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { Beat } from '../../engine/workers/open-fetches.ts';
import type { Beaten, Directive } from '../../storage/storage.ts';

type Engine = Parts<'clock' | 'jobs' | 'protocol'>;

const maxHolds = 10_000;
const maxOpenFetches = 1_000;
/** The allowed texts for the `request_id` of a fetch. */
const requestId = /^[^\p{Cc}]{1,128}$/u;
/** Nodes follow the clock of the store to about a round trip. Milliseconds. */
const clockErrorMs = 1_000;
/** Bytes. Stored with every worker, and read with every list of workers. */
const maxInfo = 16_384;
const severity: readonly Directive[] = ['running', 'quiet', 'terminate'];
/** Names of the same states in published workers. */
const states: ReadonlyMap<string, Directive> = new Map([
  ['running', 'running'],
  ['active', 'running'],
  ['quiet', 'quiet'],
  ['drain', 'quiet'],
  ['draining', 'quiet'],
  ['shutting_down', 'terminate'],
  ['terminate', 'terminate'],
  ['terminating', 'terminate'],
  ['terminated', 'terminate'],
  ['stopped', 'terminate'],
]);
/** The worker's description of itself; stored as sent. */
const infoFields = ['hostname', 'pid', 'queues', 'concurrency', 'labels', 'started_at', 'version'] as const;
/** The share of its machine that the worker uses; docs/reference/worker.md has their units. */
const loadFields = ['rss_bytes', 'heap_used_bytes', 'event_loop_lag_ms'] as const;

/** The jobs that the heartbeat names. */
export function heldBy({ holds }: Beat): readonly JobId[] {
  return (holds ?? []).map(({ id }) => id);
}

/**
 * Both dialects: `active_jobs` as an array of ids, or as a number beside `active_job_ids`. A number alone lists
 * nothing. `leases` maps job ids to x_lease; a worker that sends it lists all its jobs. Other workers may not: some
 * send one heartbeat a job, so the server does not take back a job that they do not list. `open_fetches` are the
 * fetches that the worker still waits for: their claims count as listed.
 */
export function readBeat(issued: Leases, fields: Fields, worker: string): Beat {
  const count = fields.raw('active_jobs');
  const listed = typeof count === 'number' ? null : fields.strings('active_jobs', maxHolds);
  const more = fields.strings('active_job_ids', maxHolds);
  const single = fields.string('job_id');
  const leases = fields.raw('leases');
  const leaseOf = isObject(leases) ? leases : {};
  if (fields.has('leases') && !isLeases(leases))
    fields.issue('leases', 'must be an object that maps job ids to leases');
  const ids = new Set([...(listed ?? []), ...(more ?? []), ...(single === null ? [] : [single])].filter(isUuidv7));
  const silent = listed === null && more === null && single === null;
  const openFetches = fields.strings('open_fetches', maxOpenFetches);
  if (openFetches?.every((id) => requestId.test(id) && id.isWellFormed()) === false)
    fields.issue('open_fetches', 'must have the request_id of each fetch that has no answer yet');
  const reported = fields.string('state');
  const state = reported === null ? 'running' : (states.get(reported) ?? null);
  if (state === null) fields.issue('state', 'must be running, quiet or terminate');
  const description = infoFields.flatMap((name) => (fields.has(name) ? [[name, fields.raw(name)]] : []));
  const load = loadIn(fields);
  const info = JSON.stringify({
    ...Object.fromEntries(description),
    ...(load !== null && { load }),
    ...(reported !== null && reported !== state && { reported_state: reported }),
  });
  if (info.length > maxInfo)
    fields.issue(
      'labels',
      `and the other members that describe the worker must have at most ${maxInfo} characters of JSON together`,
    );
  return {
    worker,
    holds: silent ? null : [...ids].map((id) => ({ id, claim: claimIn(issued, leaseOf, id) })),
    ...(!fields.has('leases') && { partial: true }),
    ...(openFetches !== null && { openFetches, knownUntil: knownUntil(fields) }),
    ...(typeof count === 'number' && { active: Math.max(0, Math.trunc(count)) }),
    leaseMs: fields.integer('visibility_timeout_ms', 1, 86_400_000),
    state: state ?? 'running',
    info,
  };
}

/** The numbers that the server knows; a worker on another platform may have some of them only. */
function loadIn(fields: Fields): object | null {
  const load = fields.object('load');
  if (load === null) return null;
  const told = loadFields.filter((name) => load.has(name)).map((name) => [name, load.raw(name)] as const);
  for (const [name, value] of told)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      load.issue(name, 'must be a number of at least 0');
  return Object.fromEntries(told);
}

/**
 * A heartbeat that was late on its way says nothing of later claims. When it was built, the worker had the answer with
 * this time: fetches from before are over, or among `open_fetches`.
 */
function knownUntil(fields: Fields): Millis {
  const told = fields.string('last_server_time');
  if (told === null) return 0;
  const at = parseTimestamp(told);
  if (at === null) fields.issue('last_server_time', 'must be the server_time of the last answered heartbeat');
  return Math.max(0, (at ?? 0) - clockErrorMs);
}

/** Sends the heartbeat and renders its answer (§10.3): the more severe of the worker's own state and the directive. */
export async function replyToBeat(
  engine: Engine,
  beat: Beat,
  secretDigest: string | null,
  testMode: boolean,
): Promise<Json> {
  const beaten = await engine.protocol.beat(beat, secretDigest);
  const ordered = (testMode ? await testDirective(engine, beat, beaten) : null) ?? beaten.directive;
  const state = ordered === null || severity.indexOf(ordered) < severity.indexOf(beat.state) ? beat.state : ordered;
  return JSON.stringify({
    acknowledged: true,
    state: ordered === 'running' && beat.state === 'quiet' ? 'running' : state,
    directive: ordered ?? '',
    jobs_extended: beaten.extended,
    jobs_cancelled: beaten.lost,
    server_time: new Date(engine.clock.now()).toISOString(),
  });
}

/**
 * Test mode only: the official cases put the next directive of a worker into the meta of a job that it runs
 * (L1-WRK-002, L1-WRK-003).
 */
async function testDirective(engine: Engine, beat: Beat, beaten: Beaten): Promise<Directive | null> {
  for (const id of beaten.extended) {
    const job = await engine.jobs.get(id);
    if (job === null || job.worker !== beat.worker) continue;
    const meta: unknown = JSON.parse(members(job.envelope).get('meta') ?? '{}');
    if (isObject(meta) && typeof meta.test_directive === 'string' && isDirective(meta.test_directive))
      return meta.test_directive;
  }
  return null;
}

function isDirective(text: string): text is Directive {
  return (severity as readonly string[]).includes(text);
}

function isLeases(leases: unknown): boolean {
  return isObject(leases) && Object.values(leases).every((lease) => typeof lease === 'string');
}

function claimIn(issued: Leases, leases: Readonly<Record<string, unknown>>, id: string): number | null {
  const lease = Object.hasOwn(leases, id) ? leases[id] : undefined;
  return typeof lease === 'string' ? issued.claimOf(id, lease) : null;
}
