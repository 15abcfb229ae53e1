import type { Millis } from '@ojs-ts/core';
import { type JobRecord, queueLimitKey, State } from '@ojs-ts/core/job';
import { requestKey } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, integerOrNull, readTexts, text, textOrNull } from '../../cells.ts';
import { positions } from '../../columns.ts';
import type { Claim, Claimed } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { flags, indexJoin, numbers, texts } from '../connection/sql.ts';
import { insertEvents } from '../events/entries.ts';
import { codeIn } from '../registry/statistics.ts';
import { existsDue } from '../upkeep/left-edges.ts';
import type { ClaimHints } from './opening.ts';
import { headRows, rowsBehindMarks } from './queue-head.ts';

const sizeOfTexts = ['result', 'progress', 'checkpoint', 'history']
  .map((name) => `coalesce(octet_length(${name}), 0)`)
  .join(' + ');
/** Read only where the job has texts. PostgreSQL knows the length of one without reading it. */
const written = (row: string, what: string, none = 'NULL') =>
  `CASE WHEN ${row}.texts THEN (SELECT ${what} FROM ojs.texts AS text
    WHERE text.number = ${row}.number) ELSE ${none} END`;

const { list, at } = positions(
  `outcome, started, id, type, priority, claim, attempt, place, run_at, enqueued_at, timeout_ms, heartbeat_ms,
  visibility_ms, later_expires_at, deadline_at, created_at, trace, unique_key, workflow, node, cron, policy, result,
  checkpoint, history, envelope, limits`,
  {
    outcome: 'CASE WHEN coalesce(at, 1) > 1 THEN NULL WHEN NOT open THEN 0 WHEN fits THEN 2 ELSE 1 END',
    started: 'CASE WHEN at = 1 THEN gate.now END',
    result: written('taken', 'result'),
    checkpoint: written('taken', 'checkpoint'),
    history: written('taken', 'history'),
  },
);

/**
 * A claim from one queue as one statement, where nothing has to be done besides: no job is to be promoted, the queue is
 * neither paused nor limited, no request is a repeat, no job is expired, and all fit. Else it changes nothing.
 * @param head reads `$1`, the queue, and `$2`, how many jobs.
 * @param first the first parameter behind those of the head.
 */
function statement(head: string, first: number): string {
  const [
    now,
    key,
    requests,
    most,
    least,
    slots,
    workers,
    leases,
    defaults,
    required,
    logs,
    queues,
    largest,
    scheduled,
    retryable,
  ] = Array.from({ length: 15 }, (_, at) => `$${first + at}`);
  const bounded = head.replaceAll('LIMIT $2', 'LIMIT (SELECT CASE WHEN open THEN $2::integer ELSE 0 END FROM gate)');
  return `WITH gate AS MATERIALIZED (SELECT now,
    (NOT ${existsDue('now', String(scheduled), String(retryable))}
      OR (SELECT coalesce(sum(available), 0) FROM ojs.counts WHERE queue = ANY (${queues}::text[])) >= ${largest}::integer)
    AND NOT EXISTS (SELECT FROM ojs.queues WHERE name = $1 AND paused)
    AND NOT EXISTS (SELECT FROM ojs.limits WHERE limits.key = ${key})
    AND NOT EXISTS (SELECT FROM ojs.limit_changes WHERE limit_changes.key = ${key})
    AND NOT EXISTS (SELECT FROM ojs.limit_group_changes WHERE limit_group_changes.queue = $1)
    AND NOT EXISTS (SELECT FROM ojs.waitlists WHERE waitlists.queue = $1 AND until IS NULL)
    AND NOT EXISTS (SELECT FROM ojs.waitlists WHERE waitlists.queue = $1 AND until IS NOT NULL)
    AND NOT EXISTS (SELECT FROM ojs.requests WHERE request = ANY (${requests}::text[])) AS open
    FROM (SELECT greatest(${now}::bigint, last_start) AS now FROM ojs.store) AS clock),
  ready AS MATERIALIZED (SELECT *, coalesce((${slots}::integer[])[at], 1) AS slot
    FROM (SELECT *, row_number() OVER (ORDER BY priority DESC, place) AS at FROM (${bounded}) AS head) AS head),
  found AS MATERIALIZED (
    SELECT ready.*, (SELECT now FROM gate) AS now, timeout_ms, heartbeat_ms, visibility_ms, later_expires_at,
      deadline_at, created_at,
      coalesce((${leases}::bigint[])[slot], visibility_ms, (${defaults}::bigint[])[slot]) AS lease_ms,
      (${workers}::text[])[slot] AS claimer,
      octet_length(envelope) + coalesce(octet_length(policy), 0) + ${written('ready', sizeOfTexts, '0')} AS size,
      policy, envelope
    FROM ready JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'ready.id')}),
  fit AS MATERIALIZED (SELECT coalesce(sum(size), 0) <= ${most}::bigint AND count(*) >= ${least}::integer
    AND count(*) FILTER (WHERE expires_at <= now) = 0 AS fits FROM found),
  taken AS NOT MATERIALIZED (SELECT * FROM found WHERE (SELECT fits FROM fit)),
  gone AS (DELETE FROM ojs.ready USING taken WHERE ready.ctid = taken.row),
  moved AS (
    INSERT INTO ojs.active (id, number, run_at, enqueued_at, started_at, due_at, lease_ms, lease_until, unique_at,
      claim, attempt, node, lease_required,
      texts, queue, type, worker, trace, workflow, cron, unique_key, limits)
    SELECT id, number, run_at, enqueued_at, now, least(now + lease_ms, now + timeout_ms, deadline_at), lease_ms,
      now + lease_ms, unique_at, claim + 1,
      attempt + 1, node, coalesce((${required}::boolean[])[slot], false), texts, queue, type, claimer, trace, workflow,
      cron, unique_key, limits FROM taken),
  noted AS (UPDATE ojs.texts AS text SET progress = NULL FROM taken
    WHERE taken.texts AND ${indexJoin('text.number', 'taken.number')} AND progress IS NOT NULL),
  sums AS MATERIALIZED (
    SELECT now, type, count(*) AS count, sum(ms) AS ms, coalesce(sum(ms) FILTER (WHERE attempt > 0), 0) AS again,
      array_agg(CASE WHEN attempt > 0 THEN ${codeIn('waitAgain', 'ms')} ELSE ${codeIn('wait', 'ms')} END) AS codes
    FROM (SELECT now, type, attempt, greatest(0, now - enqueued_at) AS ms FROM taken) AS wait GROUP BY now, type),
  counted AS (
    INSERT INTO ojs.counts (at, queue, scheduled, available, pending, active, completed, retryable, cancelled,
      discarded, dead_letter)
    SELECT now, $1, 0, -sum(count), 0, sum(count), 0, 0, 0, 0, 0 FROM sums GROUP BY now),
  summed AS (
    INSERT INTO ojs.minutes (minute, queue, type, started, wait_ms, wait_again_ms, codes)
    SELECT now - now % 60000, $1, type, count, ms, again, codes FROM sums),
  remembered AS (
    INSERT INTO ojs.requests (request, at, ids, claims)
    SELECT request, now, ids, claims FROM (
      SELECT (${requests}::text[])[slot] AS request, now, array_agg(id) AS ids, array_agg(claim + 1) AS claims
        FROM taken GROUP BY slot, now) AS each
    WHERE request IS NOT NULL),
  logged AS (${insertEvents(
    'job.started',
    State.available,
    State.active,
    `SELECT now, at, id, type, queue, attempt + 1 AS attempt, claimer AS worker, now AS started_at, trace
      FROM taken WHERE ${logs}`,
  )})
  SELECT ${list} FROM gate CROSS JOIN fit LEFT JOIN taken ON true ORDER BY at`;
}

const fromBeginning = statement(headRows, 3);
const fromMarks = statement(rowsBehindMarks, 6);

/**
 * Claims in one statement; null if it takes more.
 */
export async function claimAtOnce(
  database: Database,
  claims: readonly Claim[],
  now: Millis,
  hints: ClaimHints,
  maxBytes: number,
): Promise<readonly Claimed[] | null> {
  const { heads, limited, edges } = hints;
  const [queue, ...others] = claims[0]?.queues ?? [];
  if (queue === undefined || limited.has(queue) || !claims.every((one) => isAlike(one, claims[0]))) return null;
  const keys = claims.map(({ request, worker }) => (request === null ? null : requestKey(request, worker)));
  const named = keys.filter((key) => key !== null);
  const asked = claims.reduce((sum, { limit }) => sum + Math.max(0, limit), 0);
  if (asked === 0 || new Set(named).size < named.length) return null;
  const start = heads.start(queue);
  const { marks, whole } = start;
  // The other queues come next where this one has too few jobs.
  if (others.length > 0 && whole) return null;
  const values = [
    now,
    queueLimitKey(queue),
    texts(keys),
    Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
    // Behind the marks there may be less than there is.
    others.length > 0 || !whole ? asked : 0,
    claims.length === 1
      ? null
      : numbers(claims.flatMap(({ limit }, at) => Array<number>(Math.max(0, limit)).fill(at + 1))),
    texts(claims.map(({ worker }) => worker)),
    numbers(claims.map(({ leaseMs }) => leaseMs)),
    numbers(claims.map(({ defaultLeaseMs }) => defaultLeaseMs)),
    flags(claims.map(({ leaseRequired }) => leaseRequired)),
    database.logs,
    texts([queue, ...others]),
    Math.max(...claims.map(({ limit }) => limit)),
    ...edges.at(now).slice(0, 2),
  ];
  const rows = await database.alone(
    { text: marks === null ? fromBeginning : fromMarks, values: [queue, asked, ...(marks ?? []), ...values] },
    ([first]) => ({
      woken: none,
      logged: database.logs && first?.[at.outcome] === done && first[at.id] !== null,
      taken: 0,
    }),
  );
  const [first] = rows ?? [];
  if (rows === null || first === undefined || first[at.outcome] === closed) return null;
  if (first[at.outcome] !== done) {
    if (whole) return null;
    // Behind the marks are too few, or one that takes more.
    heads.ranOut(queue);
    return claimAtOnce(database, claims, now, hints, maxBytes);
  }
  const jobs = first[at.id] === null ? [] : rows;
  heads.took(
    queue,
    { asked, rows: jobs, start },
    jobs.map((cells) => ({ priority: integer(cells[at.priority]), place: integer(cells[at.place]) })),
  );
  return shared(claims, jobs, queue, jobs.length === 0 ? now : integer(first[at.started]));
}

/** Answers of the statement besides 1, which says that the jobs do not fit. */
const closed = 0;
const done = 2;

const none: ReadonlySet<string> = new Set();

function isAlike({ queues }: Claim, other: Claim | undefined): boolean {
  return queues.length === other?.queues.length && queues.every((queue, at) => queue === other.queues[at]);
}

/** One claim after the other gets the next jobs. */
function shared(claims: readonly Claim[], rows: readonly Cells[], queue: string, now: Millis): readonly Claimed[] {
  let from = 0;
  return claims.map((claim) => {
    const own = rows.slice(from, from + Math.max(0, claim.limit));
    from += own.length;
    return { jobs: own.map((cells) => readStarted(cells, claim, queue, now)), again: null };
  });
}

const noLimits: readonly string[] = [];

/** The job as core's `claimed` makes it. */
function readStarted(cells: Cells, claim: Claim, queue: string, now: Millis): JobRecord {
  const visibilityMs = integerOrNull(cells[at.visibility_ms]);
  const leaseMs = claim.leaseMs ?? visibilityMs ?? claim.defaultLeaseMs;
  const laterExpiresAt = integerOrNull(cells[at.later_expires_at]);
  const workflow = textOrNull(cells[at.workflow]);
  const limits = textOrNull(cells[at.limits]);
  return {
    id: text(cells[at.id]),
    type: text(cells[at.type]),
    queue,
    state: State.active,
    priority: integer(cells[at.priority]),
    attempt: integer(cells[at.attempt]) + 1,
    claim: integer(cells[at.claim]) + 1,
    leaseRequired: claim.leaseRequired,
    runAt: integer(cells[at.run_at]),
    expiresAt: laterExpiresAt,
    laterExpiresAt,
    deadlineAt: integerOrNull(cells[at.deadline_at]),
    heartbeatMs: integer(cells[at.heartbeat_ms]),
    timeoutMs: integer(cells[at.timeout_ms]),
    visibilityMs,
    createdAt: integer(cells[at.created_at]),
    enqueuedAt: integerOrNull(cells[at.enqueued_at]),
    startedAt: now,
    worker: claim.worker,
    leaseMs,
    leaseUntil: now + leaseMs,
    beatAt: null,
    finishedAt: null,
    trace: textOrNull(cells[at.trace]),
    uniqueKey: textOrNull(cells[at.unique_key]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(cells[at.node]) },
    cron: textOrNull(cells[at.cron]),
    deadLetter: false,
    envelope: text(cells[at.envelope]),
    policy: textOrNull(cells[at.policy]),
    result: textOrNull(cells[at.result]),
    progress: null,
    checkpoint: textOrNull(cells[at.checkpoint]),
    history: textOrNull(cells[at.history]) ?? '',
  };
}
