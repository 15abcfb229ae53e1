import { stepsMember } from '@ojs-ts/core/durable';
import { queueLimitKey } from '@ojs-ts/core/job';
import { flag, integer, integerOrNull, readNumbers, state, text, textOrNull } from '../cells.ts';
import { columns, positions } from '../columns.ts';
import {
  batchColumns,
  completionColumns,
  entryColumns,
  minuteColumns,
  nodeColumns,
  readWorkflowState,
  recordColumns,
  sumColumns,
  workflowColumns,
} from '../rows.ts';
import { jobs, jobsToDecide, readBounds, readTies, readyJobs } from './row.ts';

// `LIMIT ? + 0`: with a plain bound LIMIT SQLite plans the statement again at every change of its value (17 µs).
const listedBy = (time: 'finished_at' | 'due_at') =>
  positions('number, time, state, queue, type, dead_letter', { time });
const { list: listed, at: listedAt } = listedBy('finished_at');
const ended = positions('number, finished_at');
const ranked = columns({ number: integer, first: ['-priority', integer], second: ['place', integer], type: text });
const rankedWhere = (rank: string) =>
  ranked.from(`ojs_jobs INDEXED BY ojs_jobs_ready WHERE ready_queue = ? AND place IS NOT NULL AND ${rank}`);
/** The id of a job that has rows of steps: their records are deleted with it. */
const steps = [`CASE WHEN instr(policy, '${stepsMember}') > 0 THEN id END`, textOrNull] as const;
const removable = columns({ number: integer, finishedAt: integer, queue: text, ties: readTies, steps });
/** See the column in 002_baseline.sql. */
export const padding = '.'.repeat(84);
/** The columns that a transition's guard and its events read; each costs every ACK 0.1 µs. */
const guard = positions('number, state, claim, worker, queue, type, attempt, started_at, trace, ties, lease_required');
/** Further columns that a change may keep. */
const rest = positions(`dead_letter, priority, run_at, enqueued_at, finished_at, lease_ms, lease_until, timeout_ms,
  beat_at, bounds`);
const limit = positions('key, own, override, active, waiting, started, last_start, jobs, used_at');
const openLimitGroup = positions('ready_queue, queue, keys, priority, place, assigned_key');
const graphNode = positions('number, state, open, failed, member, closed_at, name, job, next');
/** The positions of the cells that the hot path reads one by one. */
export const at = {
  ended: ended.at,
  graphNode: graphNode.at,
  guard: guard.at,
  limit: limit.at,
  listed: listedAt,
  openLimitGroup: openLimitGroup.at,
  rest: rest.at,
} as const;

/** The values of a queue that a transaction reads. */
const queueRow = columns({
  paused: flag,
  capacity: integerOrNull,
  /** The ready queue of its jobs without limits. */
  readyQueue: integer,
  /** The number before this transaction's own changes. */
  waiting: ['scheduled + available + retryable', integer],
  available: integer,
  active: integer,
  /** True if it ever had a limit group. */
  hasLimitGroups: flag,
  /** True if the queue as a whole has a limit. */
  hasQueueLimit: [`exists (SELECT 1 FROM ojs_limits WHERE key = '${queueLimitKey('')}' || name)`, flag],
});
export type QueueRow = ReturnType<typeof queueRow.read>;

/** Jobs that failed, in the order of lists: by the fingerprint of their error, and by the digits of its message. */
const endedFrom = (behind: '<' | '>') => `SELECT ${ended.list} FROM ojs_jobs INDEXED BY ojs_jobs_ended
    WHERE state = ? AND finished_at IS NOT NULL AND (finished_at, number) ${behind} (?, ?)`;
/** Null is any queue, or any type. */
const matching = 'queue = coalesce(?, queue) AND type = coalesce(?, type)';

function errorStatements() {
  const by = (index: string, wanted: string) => {
    const from = `FROM ojs_jobs INDEXED BY ${index} WHERE ${wanted} = ? AND fingerprint IS NOT NULL`;
    const retryable = `${from} AND state = 32 AND finished_at IS NULL`;
    const discarded = `${from} AND state = 128`;
    return {
      retryableDown: `SELECT ${listed} ${retryable} AND number < ? ORDER BY number DESC LIMIT ? + 0`,
      retryableUp: `SELECT ${listed} ${retryable} AND number > ? ORDER BY number LIMIT ? + 0`,
      discardedDown: `SELECT ${listed} ${discarded} AND (finished_at, number) < (?, ?)
        ORDER BY finished_at DESC, number DESC LIMIT ? + 0`,
      discardedUp: `SELECT ${listed} ${discarded} AND (finished_at, number) > (?, ?)
        ORDER BY finished_at, number LIMIT ? + 0`,
    };
  };
  const error = by('ojs_jobs_errors', 'fingerprint');
  const message = by('ojs_jobs_messages', 'substr(fingerprint, 1, 10)');
  return {
    retryableByErrorDown: error.retryableDown,
    retryableByErrorUp: error.retryableUp,
    discardedByErrorDown: error.discardedDown,
    discardedByErrorUp: error.discardedUp,
    retryableByMessageDown: message.retryableDown,
    retryableByMessageUp: message.retryableUp,
    discardedByMessageDown: message.discardedDown,
    discardedByMessageUp: message.discardedUp,
  };
}

const jobStatements = {
  insert: `INSERT INTO ojs_jobs (state, claim, attempt, priority, ready_queue, place, due_at, run_at, enqueued_at,
    dead_letter, timeout_ms, bounds, expires_at, created_at, id, queue, type, trace, ties, unique_key, history,
    policy, padding, envelope, cron)
    VALUES (?, 0, 0, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, '${padding}', ?, ?)`,

  /** The usual job: available, without optional columns except its node in a workflow. 8 values less save 0.7 µs. */
  insertBare: `INSERT INTO ojs_jobs (state, claim, attempt, priority, ready_queue, place, run_at, enqueued_at,
    dead_letter, timeout_ms, created_at, id, queue, type, ties, history, padding, envelope)
    VALUES (2, 0, 0, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, '', '${padding}', ?)`,

  byId: jobs('WHERE id = ?'),
  byNumber: jobs('WHERE number = ?'),
  leaseUntil: 'SELECT lease_until FROM ojs_jobs WHERE number = ?',
  envelope: 'SELECT envelope FROM ojs_jobs WHERE number = ?',

  /** Holders of a unique key in one state, the oldest first. */
  holders: `SELECT number FROM ojs_jobs INDEXED BY ojs_jobs_unique
    WHERE unique_key = ? AND unique_key IS NOT NULL AND state = ? AND created_at > ? ORDER BY created_at, number
    LIMIT ? + 0`,

  /** The jobs of a ready queue, in the order of their starts. */
  ready: readyJobs(`INDEXED BY ojs_jobs_ready
    WHERE ready_queue = ? AND place IS NOT NULL ORDER BY priority DESC, place LIMIT ? + 0`),
  readyQueueHead: columns({ priority: integer, place: integer }).from(`ojs_jobs INDEXED BY ojs_jobs_ready
    WHERE ready_queue = ? AND place IS NOT NULL ORDER BY priority DESC, place LIMIT 1`),
  /** An available job has no `beat_at`. */
  claim: `UPDATE ojs_jobs
    SET padding = NULL, state = 8, claim = ?, lease_required = ?, attempt = ?, place = NULL, due_at = ?, started_at = ?,
    worker = ?,
    lease_ms = ?, lease_until = ?, progress = NULL
    WHERE number BETWEEN ? AND ?`,
  expireLater: `UPDATE ojs_jobs SET expires_at = ? WHERE number = ?`,

  /** One UPDATE … RETURNING would be slower than `guard` and `finish`: 8.4 µs against 2.3 + 3.1. */
  guard: `SELECT ${guard.list} FROM ojs_jobs WHERE id = ?`,
  rest: `SELECT ${rest.list} FROM ojs_jobs WHERE number = ?`,
  /** The usual end of an active job, by ACK or otherwise: nothing to write but a result. */
  finish: `UPDATE ojs_jobs
    SET state = ?, due_at = NULL, finished_at = ?, beat_at = NULL, lease_ms = NULL, lease_until = NULL,
    checkpoint = NULL, result = ?
    WHERE number BETWEEN ? AND ?`,
  finishAsIs: `UPDATE ojs_jobs
    SET state = ?, due_at = NULL, finished_at = ?, beat_at = NULL, lease_ms = NULL, lease_until = NULL,
    checkpoint = NULL
    WHERE number BETWEEN ? AND ?`,
  move: `UPDATE ojs_jobs
    SET state = ?, queue = ?, attempt = ?, priority = ?, ready_queue = coalesce(?, ready_queue), place = ?,
    due_at = ?, run_at = ?, enqueued_at = ?, started_at = ?, beat_at = ?, finished_at = ?, dead_letter = ?,
    lease_ms = ?, lease_until = ?, worker = ?, fingerprint = iif(?, fingerprint, ?), timeout_ms = ?
    WHERE number = ?`,
  note: `UPDATE ojs_jobs
    SET result = iif(?, ?, result), history = coalesce(?, history), progress = iif(?, ?, progress),
    checkpoint = iif(?, ?, checkpoint), envelope = coalesce(?, envelope), policy = coalesce(?, policy)
    WHERE number = ?`,
  result: `SELECT result FROM ojs_jobs WHERE number = ?`,

  runs: jobs(`INDEXED BY ojs_jobs_runs
    WHERE cron = ? AND cron IS NOT NULL AND finished_at IS NULL ORDER BY number LIMIT ? + 0`),
  due: jobsToDecide('INDEXED BY ojs_jobs_due WHERE state = ? AND due_at <= ? ORDER BY due_at, number LIMIT ? + 0'),
  promote: `UPDATE ojs_jobs SET state = 2, ready_queue = ?, place = ?, due_at = NULL, enqueued_at = ?,
    fingerprint = NULL
    WHERE number = ?`,
  expiring: jobsToDecide(`INDEXED BY ojs_jobs_expiry
    WHERE expires_at <= ? AND finished_at IS NULL AND lease_until IS NULL ORDER BY expires_at, number LIMIT ? + 0`),

  nextDue: `SELECT min(due_at) FROM ojs_jobs INDEXED BY ojs_jobs_due WHERE state = ? AND due_at IS NOT NULL`,
  nextExpiring: `SELECT min(expires_at) FROM ojs_jobs INDEXED BY ojs_jobs_expiry
    WHERE expires_at IS NOT NULL AND finished_at IS NULL AND lease_until IS NULL`,

  heartbeat: columns({
    number: integer,
    state,
    claim: integer,
    worker: textOrNull,
    leaseMs: integerOrNull,
    leaseUntil: integerOrNull,
    startedAt: integerOrNull,
    timeoutMs: integer,
    type: text,
    queue: text,
    attempt: integer,
    trace: textOrNull,
    bounds: readBounds,
    leaseRequired: flag,
  }).from('ojs_jobs WHERE id = ?'),
  extend: `UPDATE ojs_jobs SET lease_until = ?, due_at = ?, beat_at = ? WHERE number = ?`,
  held: columns({
    number: integer,
    id: text,
    claim: integer,
    worker: text,
    startedAt: integer,
  }).from(`ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = 8 AND due_at IS NOT NULL AND number > ? AND worker IS NOT NULL ORDER BY number LIMIT ? + 0`),

  forRemoval: columns({
    number: integer,
    state,
    queue: text,
    type: text,
    attempt: integer,
    worker: textOrNull,
    startedAt: integerOrNull,
    trace: textOrNull,
    ties: readTies,
    deadLetter: flag,
    result: textOrNull,
    steps,
  }).from('ojs_jobs WHERE id = ?'),
  remove: `DELETE FROM ojs_jobs WHERE number = ?`,
  /** Finished jobs of a state, oldest first. */
  oldest: removable.from(`ojs_jobs INDEXED BY ojs_jobs_ended
    WHERE state = ? AND finished_at IS NOT NULL ORDER BY finished_at, number LIMIT ? + 0`),
  oldestDiscarded: removable.from(`ojs_jobs INDEXED BY ojs_jobs_discarded
    WHERE state = 128 AND dead_letter = 0 ORDER BY finished_at, number LIMIT ? + 0`),
  oldestDead: removable.from(`ojs_jobs INDEXED BY ojs_jobs_dead
    WHERE dead_letter <> 0 ORDER BY finished_at, number LIMIT ? + 0`),

  listReady: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_ready WHERE place IS NOT NULL`,
  listDue: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_due WHERE state = ? AND due_at IS NOT NULL`,
  newestNumber: 'SELECT coalesce(max(number), 0) FROM ojs_jobs',
  numberBelow: 'SELECT max(number) FROM ojs_jobs WHERE number < ?',
  numberAbove: 'SELECT min(number) FROM ojs_jobs WHERE number > ?',
  matchingDown: `SELECT number FROM ojs_jobs NOT INDEXED
    WHERE number < ? AND number >= ? AND state & ? AND ${matching} ORDER BY number DESC LIMIT ? + 0`,
  matchingUp: `SELECT number FROM ojs_jobs NOT INDEXED
    WHERE number > ? AND number < ? AND state & ? AND ${matching} ORDER BY number LIMIT ? + 0`,
  segment: columns({ segment: integer, names: text }).from('ojs_segments WHERE slot = ?'),
  setSegment: 'INSERT OR REPLACE INTO ojs_segments (slot, segment, names) VALUES (?, ?, ?)',
  forgetSegment: 'DELETE FROM ojs_segments WHERE slot = ?',
  segmentsWithout: `SELECT segment FROM ojs_segments
    WHERE names <> '' AND NOT (instr(names, ?) > 0 AND instr(names, ?) > 0)`,
  dueDown: `SELECT ${listedBy('due_at').list} FROM ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = ? AND due_at IS NOT NULL AND (due_at, number) < (?, ?) ORDER BY due_at DESC, number DESC LIMIT ? + 0`,
  dueUp: `SELECT ${listedBy('due_at').list} FROM ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = ? AND due_at IS NOT NULL AND (due_at, number) > (?, ?) ORDER BY due_at, number LIMIT ? + 0`,
  endedDown: `${endedFrom('<')} ORDER BY finished_at DESC, number DESC LIMIT ? + 0`,
  endedUp: `${endedFrom('>')} ORDER BY finished_at, number LIMIT ? + 0`,
  endedBoundDown: `${endedFrom('<')} ORDER BY finished_at DESC, number DESC LIMIT 1 OFFSET ? + 0`,
  endedBoundUp: `${endedFrom('>')} ORDER BY finished_at, number LIMIT 1 OFFSET ? + 0`,
  endedMatchingDown: `${endedFrom('<')} AND (finished_at, number) >= (?, ?) AND ${matching}
    ORDER BY finished_at DESC, number DESC LIMIT ? + 0`,
  endedMatchingUp: `${endedFrom('>')} AND (finished_at, number) <= (?, ?) AND ${matching}
    ORDER BY finished_at, number LIMIT ? + 0`,
  deadDown: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_dead
    WHERE dead_letter <> 0 AND (finished_at, number) < (?, ?) ORDER BY finished_at DESC, number DESC LIMIT ? + 0`,
  ...errorStatements(),
  setFingerprint: 'UPDATE ojs_jobs SET fingerprint = ? WHERE number = ?',
  deadUp: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_dead
    WHERE dead_letter <> 0 AND (finished_at, number) > (?, ?) ORDER BY finished_at, number LIMIT ? + 0`,
  readyHeadBelow: columns({
    priority: integer,
    place: integer,
    number: integer,
  }).from(`ojs_jobs INDEXED BY ojs_jobs_ready
    WHERE ready_queue = ? AND place IS NOT NULL AND priority < ? ORDER BY priority DESC, place LIMIT 1`),
  enqueuedAt: 'SELECT enqueued_at FROM ojs_jobs WHERE number = ?',
  /** The ready queues in which jobs of a queue may wait. */
  readyQueuesOf: `SELECT ready_queue FROM ojs_queues WHERE name = ?
    UNION ALL SELECT ready_queue FROM ojs_limit_groups WHERE queue = ?`,
  readyAlikeUp: rankedWhere('priority = ? AND place > ? ORDER BY place LIMIT ? + 0'),
  readyUp: rankedWhere('priority < ? ORDER BY priority DESC, place LIMIT ? + 0'),
  readyAlikeDown: rankedWhere('priority = ? AND place < ? ORDER BY place DESC LIMIT ? + 0'),
  readyDown: rankedWhere('priority > ? ORDER BY priority, place DESC LIMIT ? + 0'),

  request: `SELECT claims FROM ojs_requests WHERE request = ?`,
  remember: `INSERT INTO ojs_requests (request, at, claims) VALUES (?, ?, ?)`,
  /** The values of a queue that a transaction reads. */
  queue: queueRow.from('ojs_queues WHERE name = ?'),
  minutes: minuteColumns.from('ojs_minutes WHERE minute >= ? AND minute < ? ORDER BY minute, queue, type'),
  minuteBehind: 'SELECT minute FROM ojs_minutes WHERE minute >= ? AND minute < ? ORDER BY minute LIMIT 1 OFFSET ? + 0',
  /** Goes from minute to minute, past the other queues. */
  minutesOf: minuteColumns.from(`ojs_minutes WHERE queue IN (SELECT value
    FROM json_each(?3)) AND minute IN (WITH RECURSIVE each (at) AS (
      SELECT min(minute) FROM ojs_minutes WHERE minute >= ?1
      UNION ALL SELECT (SELECT min(minute) FROM ojs_minutes WHERE minute > at) FROM each WHERE at < ?2)
    SELECT at FROM each WHERE at < ?2) ORDER BY minute, queue, type`),
  addMinute: `INSERT INTO ojs_minutes (${minuteColumns.list})
    VALUES (?, ?, ?, ${sumColumns.map(() => '?').join(', ')}, ?) ON CONFLICT (minute, queue, type) DO UPDATE SET
    ${sumColumns.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')},
    histogram = histogram || excluded.histogram
    RETURNING length(histogram)`,
  histogram: 'SELECT histogram FROM ojs_minutes WHERE minute = ? AND queue = ? AND type = ?',
  setHistogram: 'UPDATE ojs_minutes SET histogram = ? WHERE minute = ? AND queue = ? AND type = ?',
  forgetMinutes: `DELETE FROM ojs_minutes WHERE (minute, queue, type) IN (SELECT minute, queue, type FROM ojs_minutes
    WHERE minute < ? ORDER BY minute, queue, type LIMIT ? + 0)`,
} as const;

const rareFrom = (order: '>= ? ORDER BY position' | '<= ? ORDER BY position DESC') =>
  `FROM ojs_events INDEXED BY ojs_events_rare WHERE rare IS NOT NULL AND position ${order}`;
const eventStatements = {
  log: `INSERT INTO ojs_events (position, at, count, entries, rare) VALUES (?, ?, ?, ?, ?)`,
  batch: batchColumns.from('ojs_events WHERE position = ?'),
  indexedUp: `SELECT position FROM (SELECT position, rare ${rareFrom('>= ? ORDER BY position')} LIMIT ? + 0)
    WHERE rare & ? <> 0 LIMIT ? + 0`,
  indexedDown: `SELECT position FROM (SELECT position, rare ${rareFrom('<= ? ORDER BY position DESC')} LIMIT ? + 0)
    WHERE rare & ? <> 0 LIMIT ? + 0`,
  indexedUpBound: `SELECT position ${rareFrom('>= ? ORDER BY position')} LIMIT 1 OFFSET ? + 0`,
  indexedDownBound: `SELECT position ${rareFrom('<= ? ORDER BY position DESC')} LIMIT 1 OFFSET ? + 0`,
} as const;

const limitStatements = {
  limit: `SELECT ${limit.list} FROM ojs_limits WHERE key = ?`,
  writeLimit: `INSERT INTO ojs_limits (${limit.list})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
    SET own = excluded.own, override = excluded.override, active = excluded.active, waiting = excluded.waiting,
    started = excluded.started, last_start = excluded.last_start, jobs = excluded.jobs, used_at = excluded.used_at`,
  idleLimits: `SELECT key FROM ojs_limits INDEXED BY ojs_limits_idle
    WHERE jobs <= 0 AND active = 0 AND waiting = 0 AND override IS NULL AND key NOT GLOB 'queue:*' AND used_at < ?
    ORDER BY used_at, key LIMIT ? + 0`,
  removeLimit: `DELETE FROM ojs_limits WHERE key = ?`,
  start: `INSERT INTO ojs_starts (key, number, at) VALUES (?, ?, ?)`,
  startNumber: `SELECT at FROM ojs_starts WHERE key = ? AND number = ?`,
  oldestStarts: columns({ number: integer, at: integer }).from('ojs_starts WHERE key = ? ORDER BY number LIMIT ? + 0'),
  newestStarts: `SELECT at FROM ojs_starts WHERE key = ? ORDER BY number DESC LIMIT ? + 0`,
  forgetStarts: `DELETE FROM ojs_starts WHERE key = ? AND number <= ?`,

  limitGroup: columns({ readyQueue: integer, priority: integer, place: integer, assignedKey: text }).from(
    'ojs_limit_groups WHERE queue = ? AND keys = ?',
  ),
  openLimitGroups: `SELECT ${openLimitGroup.list} FROM ojs_limit_groups INDEXED BY ojs_limit_groups_open
    WHERE queue = ? AND open <> 0 ORDER BY priority DESC, place LIMIT 2`,
  bestLimitGroup: columns({
    priority: integer,
    place: integer,
    readyQueue: integer,
  }).from(`ojs_limit_groups INDEXED BY ojs_limit_groups_key
    WHERE assigned_key = ? AND queue = ? AND open = ? ORDER BY priority DESC, place LIMIT 1`),
  /** The next queue in which jobs wait under a key. */
  nextQueueUnder: `SELECT queue FROM ojs_limit_group_keys WHERE key = ? AND queue > ? ORDER BY queue LIMIT 1`,
  limitGroupUnder: `SELECT ready_queue FROM ojs_limit_group_keys WHERE key = ? AND queue = ? LIMIT 1`,
  insertLimitGroupKey: `INSERT INTO ojs_limit_group_keys (key, queue, ready_queue) VALUES (?, ?, ?)`,
  deleteLimitGroupKey: `DELETE FROM ojs_limit_group_keys WHERE key = ? AND queue = ? AND ready_queue = ?`,
  insertLimitGroup: `INSERT INTO ojs_limit_groups (ready_queue, queue, keys, priority, place, assigned_key, open)
    VALUES (?, ?, ?, ?, ?, ?, 0)`,
  updateLimitGroup: `UPDATE ojs_limit_groups SET priority = ?, place = ?, assigned_key = ?, open = ?
    WHERE ready_queue = ?`,
  updateLimitGroupHead: `UPDATE ojs_limit_groups SET priority = ?, place = ? WHERE ready_queue = ?`,
  setLimitGroupOpen: `UPDATE ojs_limit_groups SET open = ? WHERE ready_queue = ?`,
  deleteLimitGroup: `DELETE FROM ojs_limit_groups WHERE ready_queue = ?`,

  setRateTimer: `INSERT INTO ojs_rate_timers (key, queue, at) VALUES (?, ?, ?) ON CONFLICT (key, queue) DO UPDATE
    SET at = excluded.at WHERE at <> excluded.at`,
  deleteRateTimer: `DELETE FROM ojs_rate_timers WHERE key = ? AND queue = ?`,
  deleteRateTimersOf: `DELETE FROM ojs_rate_timers WHERE key = ?`,
  dueRateTimers: `SELECT key FROM ojs_rate_timers INDEXED BY ojs_rate_timers_at
    WHERE queue = ? AND at <= ? ORDER BY at LIMIT ? + 0`,
  nextRateTimer: `SELECT at FROM ojs_rate_timers INDEXED BY ojs_rate_timers_at WHERE queue = ? ORDER BY at LIMIT 1`,
} as const;

const workflowStatements = {
  /** The columns of a workflow without its long texts. */
  flow: columns({
    id: text,
    number: integer,
    firstNode: integer,
    lastNode: integer,
    state: readWorkflowState,
    total: integer,
    completed: integer,
    failed: integer,
    cancelled: integer,
    ready: integer,
    sweeping: flag,
    finishedAt: integerOrNull,
    name: text,
    kind: text,
    end: ['"end"', textOrNull],
  }).from('ojs_workflows WHERE id = ?'),
  flowById: workflowColumns.from('ojs_workflows WHERE id = ?'),
  flowByNumber: workflowColumns.from('ojs_workflows WHERE number = ?'),
  flowsDown: `SELECT number FROM ojs_workflows INDEXED BY ojs_workflows_state
    WHERE state = ? AND number < ? ORDER BY number DESC LIMIT ? + 0`,
  makeFlow: `INSERT INTO ojs_workflows (id, first_node, last_node, state, total, completed, failed, cancelled,
    ready, sweeping, created_at, name, kind, spec)
    VALUES (?, ?, ?, 'running', ?, 0, 0, 0, ?, 0, ?, ?, ?, ?)`,
  writeFlow: `UPDATE ojs_workflows
    SET state = ?, completed = ?, failed = ?, cancelled = ?, ready = ?, sweeping = ?, finished_at = ?, "end" = ?
    WHERE number = ?`,
  countFlows: `INSERT INTO ojs_workflow_counts (state, count) VALUES (?, ?) ON CONFLICT (state) DO UPDATE
    SET count = count + excluded.count`,
  flowCount: `SELECT count FROM ojs_workflow_counts WHERE state = ?`,
  unfinished: columns({
    firstNode: integer,
    lastNode: integer,
    id: text,
  }).from(`ojs_workflows INDEXED BY ojs_workflows_ready
    WHERE ready > 0 AND finished_at IS NULL ORDER BY number LIMIT ? + 0`),
  sweeping: `SELECT id FROM ojs_workflows INDEXED BY ojs_workflows_sweeping
    WHERE sweeping <> 0 ORDER BY number LIMIT ? + 0`,
  /** Ended workflows, the oldest end first. */
  oldestFlows: columns({
    number: integer,
    finishedAt: integer,
    firstNode: integer,
    lastNode: integer,
    state: readWorkflowState,
    completed: integer,
    failed: integer,
    cancelled: integer,
    total: integer,
  }).from(`ojs_workflows INDEXED BY ojs_workflows_finished
    WHERE finished_at IS NOT NULL AND sweeping = 0 ORDER BY finished_at, number LIMIT ? + 0`),
  endedFlows: `SELECT (SELECT coalesce(sum(count), 0) FROM ojs_workflow_counts
    WHERE state <> 'running') - (SELECT count(*) FROM ojs_workflows INDEXED BY ojs_workflows_sweeping
    WHERE sweeping <> 0)`,
  removeFlow: `DELETE FROM ojs_workflows WHERE number = ?`,

  nodeRange: `SELECT ${graphNode.list} FROM ojs_nodes WHERE number BETWEEN ? AND ?`,
  nodes: nodeColumns((next) => readNumbers(text(next))).from(`ojs_nodes JOIN ojs_node_specs USING (number)
    WHERE number > ? AND number <= ? ORDER BY number LIMIT ? + 0`),
  readyNodes: `SELECT number FROM ojs_nodes
    WHERE number BETWEEN ? AND ? AND open = 0 AND state = 'waiting' ORDER BY number LIMIT ? + 0`,
  makeNode: `INSERT INTO ojs_nodes (number, state, open, failed, member, name, job, next)
    VALUES (?, ?, ?, 0, ?, ?, ?, ?)`,
  makeNodeSpec: `INSERT INTO ojs_node_specs (number, spec) VALUES (?, ?)`,
  writeNode: `UPDATE ojs_nodes
    SET state = ?, open = ?, failed = ?, closed_at = ?, result = coalesce(?, result), error = coalesce(?, error)
    WHERE number = ?`,
  writeNodes: `UPDATE ojs_nodes
    SET state = ?, open = ?, failed = ?, closed_at = ?, result = coalesce(?, result), error = coalesce(?, error)
    WHERE number BETWEEN ? AND ?`,
  reopenNode: `UPDATE ojs_nodes SET job = ?, result = NULL, error = NULL WHERE number = ?`,
  waitingMembers: `SELECT coalesce(sum(member), 0) FROM ojs_nodes WHERE number BETWEEN ? AND ? AND state = 'waiting'`,
  cancelWaiting: `UPDATE ojs_nodes SET state = 'cancelled', closed_at = ?
    WHERE number BETWEEN ? AND ? AND state = 'waiting'`,
  removeNodes: `DELETE FROM ojs_nodes WHERE number BETWEEN ? AND ?`,
  removeNodeSpecs: `DELETE FROM ojs_node_specs WHERE number BETWEEN ? AND ?`,
} as const;

const recordStatements = {
  record: recordColumns.from('ojs_records WHERE kind = ? AND key = ?'),
  recordsUp: recordColumns.from('ojs_records WHERE kind = ? AND key > ? ORDER BY key LIMIT ? + 0 OFFSET ? + 0'),
  recordsDown: recordColumns.from('ojs_records WHERE kind = ? AND key < ? ORDER BY key DESC LIMIT ? + 0 OFFSET ? + 0'),
  putRecord: `INSERT INTO ojs_records (${recordColumns.list}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE
    SET version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at,
    body = excluded.body`,
  deleteRecord: `DELETE FROM ojs_records WHERE kind = ? AND key = ?`,
  deleteRecordsOf: `DELETE FROM ojs_records WHERE kind = ?`,
} as const;

const inboxStatements = {
  inbox: entryColumns.from('ojs_inbox WHERE number > ? ORDER BY number LIMIT ? + 0'),
  inboxEntry: `SELECT 1 FROM ojs_inbox WHERE number = ?`,
  leaveInbox: `DELETE FROM ojs_inbox WHERE number = ?`,
  completions: completionColumns.from('ojs_inbox_completions WHERE number > ? ORDER BY number LIMIT ? + 0'),
  anyCompletion: `SELECT 1 FROM ojs_inbox_completions LIMIT 1`,
  completionOf: completionColumns.from('ojs_inbox_completions WHERE id = ? ORDER BY number'),
  leaveCompletions: `DELETE FROM ojs_inbox_completions WHERE number = ?`,
  inInbox: `SELECT exists (SELECT 1 FROM ojs_inbox WHERE id = ?) OR exists (SELECT 1 FROM ojs_inbox_completions
    WHERE id = ?)`,
} as const;

/** The cost of these statements must not grow with the backlog: a test reads the plan of each. */
export const statements = {
  ...jobStatements,
  ...eventStatements,
  ...limitStatements,
  ...workflowStatements,
  ...recordStatements,
  ...inboxStatements,
} as const;
