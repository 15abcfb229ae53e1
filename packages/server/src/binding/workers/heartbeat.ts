import { type Fields, isObject, isUuidv7, type Json, type Leases, members } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { Beaten, Directive, WorkerBeat } from '../../storage/storage.ts';

const maxHolds = 10_000;
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

/**
 * Both dialects: `active_jobs` as an array of ids, or as a number beside `active_job_ids`. A number alone lists
 * nothing. `leases` maps job ids to x_lease; a worker that sends it lists all its jobs. Other workers may not: some
 * send one heartbeat a job, so the server does not take back a job that they do not list.
 */
export function readBeat(issued: Leases, fields: Fields, worker: string): WorkerBeat {
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
  const reported = fields.string('state');
  const state = reported === null ? 'running' : (states.get(reported) ?? null);
  if (state === null) fields.issue('state', 'must be running, quiet or terminate');
  const description = infoFields.flatMap((name) => (fields.has(name) ? [[name, fields.raw(name)]] : []));
  const info = JSON.stringify(
    Object.fromEntries(
      reported === null || reported === state ? description : [...description, ['reported_state', reported]],
    ),
  );
  if (info.length > maxInfo)
    fields.issue(
      'labels',
      `and the other members that describe the worker must have at most ${maxInfo} characters of JSON together`,
    );
  return {
    worker,
    holds: silent ? null : [...ids].map((id) => ({ id, claim: claimIn(issued, leaseOf, id) })),
    ...(!fields.has('leases') && { partial: true }),
    ...(typeof count === 'number' && { active: Math.max(0, Math.trunc(count)) }),
    leaseMs: fields.integer('visibility_timeout_ms', 1, 86_400_000),
    state: state ?? 'running',
    info,
  };
}

/** Sends the heartbeat and renders its answer (§10.3): the more severe of the worker's own state and the directive. */
export async function replyToBeat(
  engine: Engine,
  beat: WorkerBeat,
  secretDigest: string | null,
  testMode: boolean,
): Promise<Json> {
  const beaten = await engine.beat(beat, secretDigest);
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
async function testDirective(engine: Engine, beat: WorkerBeat, beaten: Beaten): Promise<Directive | null> {
  for (const id of beaten.extended) {
    const job = await engine.get(id);
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
