import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { integer, text } from '../../../src/storage/cells.ts';
import { columns } from '../../../src/storage/columns.ts';
import { Connection } from '../../../src/storage/sqlite/disk/connection.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { statements } from '../../../src/storage/sqlite/statements.ts';
import { claim, newJob, t0 } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

const byId = 'SEARCH ojs_jobs USING INDEX sqlite_autoindex_ojs_jobs_1 (id=?)';
const byNumber = 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid=?)';

const numberRange = 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)';

const plans: Readonly<Record<keyof typeof statements, string>> = {
  inbox: 'SEARCH ojs_inbox USING INTEGER PRIMARY KEY (rowid>?)',
  inboxEntry: 'SEARCH ojs_inbox USING INTEGER PRIMARY KEY (rowid=?)',
  leaveInbox: 'SEARCH ojs_inbox USING INTEGER PRIMARY KEY (rowid=?)',
  completions: 'SEARCH ojs_inbox_completions USING INTEGER PRIMARY KEY (rowid>?)',
  anyCompletion: 'SCAN ojs_inbox_completions USING COVERING INDEX ojs_inbox_completions_id',
  completionOf: 'SEARCH ojs_inbox_completions USING INDEX ojs_inbox_completions_id (id=?)',
  leaveCompletions: 'SEARCH ojs_inbox_completions USING INTEGER PRIMARY KEY (rowid=?)',
  inInbox:
    'SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SEARCH ojs_inbox USING COVERING INDEX ojs_inbox_id (id=?); SCALAR SUBQUERY 2; SEARCH ojs_inbox_completions USING COVERING INDEX ojs_inbox_completions_id (id=?)',
  insert: '',
  insertBare: '',
  byId,
  byNumber,
  leaseUntil: byNumber,
  envelope: byNumber,
  holders: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_unique (unique_key=? AND state=? AND created_at>?)',
  ready: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (ready_queue=?)',
  readyQueueHead: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ready (ready_queue=?)',
  claim: numberRange,
  expireLater: byNumber,
  guard: byId,
  rest: byNumber,
  finish: numberRange,
  finishAsIs: numberRange,
  move: byNumber,
  note: byNumber,
  result: byNumber,
  runs: 'SEARCH ojs_jobs USING INDEX ojs_jobs_runs (cron=?)',
  due: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at<?)',
  promote: byNumber,
  expiring: 'SEARCH ojs_jobs USING INDEX ojs_jobs_expiry (expires_at<?)',
  nextDue: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_due (state=? AND due_at>?)',
  nextExpiring: 'SEARCH ojs_jobs USING INDEX ojs_jobs_expiry (expires_at>?)',
  heartbeat: byId,
  extend: byNumber,
  // Sorted: what is active at once is bounded by the workers.
  held: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?); USE TEMP B-TREE FOR ORDER BY',
  forRemoval: byId,
  remove: byNumber,
  oldestDiscarded: 'SCAN ojs_jobs USING INDEX ojs_jobs_discarded',
  oldestDead: 'SCAN ojs_jobs USING INDEX ojs_jobs_dead',
  oldest: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ended (state=? AND finished_at>?)',
  // Used only while a count says that few are there.
  listReady: 'SCAN ojs_jobs USING INDEX ojs_jobs_ready',
  listDue: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?)',
  newestNumber: 'SEARCH ojs_jobs',
  numberBelow: 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid<?)',
  numberAbove: 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid>?)',
  matchingDown: numberRange,
  matchingUp: numberRange,
  segment: 'SEARCH ojs_segments USING INTEGER PRIMARY KEY (rowid=?)',
  setSegment: '',
  forgetSegment: 'SEARCH ojs_segments USING INTEGER PRIMARY KEY (rowid=?)',
  segmentsWithout: 'SCAN ojs_segments',
  dueDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>? AND due_at<?)',
  dueUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?)',
  endedDown: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>? AND finished_at<?)',
  endedUp: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>?)',
  endedBoundDown: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>? AND finished_at<?)',
  endedBoundUp: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>?)',
  endedMatchingDown:
    'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>? AND finished_at<?)',
  endedMatchingUp: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ended (state=? AND finished_at>? AND finished_at<?)',
  deadDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_dead (finished_at<?)',
  retryableByErrorDown:
    'SEARCH ojs_jobs USING INDEX ojs_jobs_errors (fingerprint=? AND state=? AND finished_at=? AND rowid<?)',
  retryableByErrorUp:
    'SEARCH ojs_jobs USING INDEX ojs_jobs_errors (fingerprint=? AND state=? AND finished_at=? AND rowid>?)',
  discardedByErrorDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_errors (fingerprint=? AND state=? AND finished_at<?)',
  discardedByErrorUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_errors (fingerprint=? AND state=? AND finished_at>?)',
  retryableByMessageDown:
    'SEARCH ojs_jobs USING INDEX ojs_jobs_messages (<expr>=? AND state=? AND finished_at=? AND rowid<?)',
  retryableByMessageUp:
    'SEARCH ojs_jobs USING INDEX ojs_jobs_messages (<expr>=? AND state=? AND finished_at=? AND rowid>?)',
  discardedByMessageDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_messages (<expr>=? AND state=? AND finished_at<?)',
  discardedByMessageUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_messages (<expr>=? AND state=? AND finished_at>?)',
  setFingerprint: byNumber,
  deadUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_dead (finished_at>?)',
  readyQueuesOf:
    'COMPOUND QUERY; LEFT-MOST SUBQUERY; SEARCH ojs_queues USING PRIMARY KEY (name=?); UNION ALL; SEARCH ojs_limit_groups USING COVERING INDEX sqlite_autoindex_ojs_limit_groups_1 (queue=?)',
  readyHeadBelow: 'SEARCH ojs_jobs USING COVERING INDEX ojs_jobs_ready (ready_queue=? AND priority<?)',
  enqueuedAt: byNumber,
  readyAlikeUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (ready_queue=? AND priority=? AND place>?)',
  readyUp: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (ready_queue=? AND priority<?)',
  readyAlikeDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (ready_queue=? AND priority=? AND place>? AND place<?)',
  readyDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (ready_queue=? AND priority>?)',
  request: 'SEARCH ojs_requests USING INDEX sqlite_autoindex_ojs_requests_1 (request=?)',
  remember: '',
  queue:
    'SEARCH ojs_queues USING PRIMARY KEY (name=?); CORRELATED SCALAR SUBQUERY 1; SEARCH ojs_limits USING PRIMARY KEY (key=?)',
  minutes: 'SEARCH ojs_minutes USING PRIMARY KEY (minute>? AND minute<?)',
  minuteBehind: 'SEARCH ojs_minutes USING PRIMARY KEY (minute>? AND minute<?)',
  minutesOf:
    'SEARCH ojs_minutes USING PRIMARY KEY (minute=? AND queue=?); LIST SUBQUERY 5; MATERIALIZE each; SETUP; SEARCH ojs_minutes USING PRIMARY KEY (minute>?); RECURSIVE STEP; SCAN each; CORRELATED SCALAR SUBQUERY 3; SEARCH ojs_minutes USING PRIMARY KEY (minute>?); SCAN each; LIST SUBQUERY 1; SCAN json_each VIRTUAL TABLE INDEX 1:',
  addMinute: '',
  histogram: 'SEARCH ojs_minutes USING PRIMARY KEY (minute=? AND queue=? AND type=?)',
  setHistogram: 'SEARCH ojs_minutes USING PRIMARY KEY (minute=? AND queue=? AND type=?)',
  forgetMinutes:
    'SEARCH ojs_minutes USING PRIMARY KEY (minute=? AND queue=? AND type=?); LIST SUBQUERY 2; SEARCH ojs_minutes USING PRIMARY KEY (minute<?)',
  log: '',
  batch: 'SEARCH ojs_events USING INTEGER PRIMARY KEY (rowid=?)',
  indexedUp:
    'CO-ROUTINE (subquery-1); SEARCH ojs_events USING COVERING INDEX ojs_events_rare (position>?); SCAN (subquery-1)',
  indexedDown:
    'CO-ROUTINE (subquery-1); SEARCH ojs_events USING COVERING INDEX ojs_events_rare (position<?); SCAN (subquery-1)',
  indexedUpBound: 'SEARCH ojs_events USING COVERING INDEX ojs_events_rare (position>?)',
  indexedDownBound: 'SEARCH ojs_events USING COVERING INDEX ojs_events_rare (position<?)',
  limit: 'SEARCH ojs_limits USING PRIMARY KEY (key=?)',
  writeLimit: '',
  idleLimits: 'SEARCH ojs_limits USING INDEX ojs_limits_idle (used_at<?)',
  removeLimit: 'SEARCH ojs_limits USING PRIMARY KEY (key=?)',
  start: '',
  startNumber: 'SEARCH ojs_starts USING PRIMARY KEY (key=? AND number=?)',
  oldestStarts: 'SEARCH ojs_starts USING PRIMARY KEY (key=?)',
  newestStarts: 'SEARCH ojs_starts USING PRIMARY KEY (key=?)',
  forgetStarts: 'SEARCH ojs_starts USING PRIMARY KEY (key=? AND number<?)',
  limitGroup: 'SEARCH ojs_limit_groups USING INDEX sqlite_autoindex_ojs_limit_groups_1 (queue=? AND keys=?)',
  openLimitGroups: 'SEARCH ojs_limit_groups USING INDEX ojs_limit_groups_open (queue=?)',
  bestLimitGroup:
    'SEARCH ojs_limit_groups USING COVERING INDEX ojs_limit_groups_key (assigned_key=? AND queue=? AND open=?)',
  nextQueueUnder: 'SEARCH ojs_limit_group_keys USING PRIMARY KEY (key=? AND queue>?)',
  limitGroupUnder: 'SEARCH ojs_limit_group_keys USING PRIMARY KEY (key=? AND queue=?)',
  insertLimitGroupKey: '',
  deleteLimitGroupKey: 'SEARCH ojs_limit_group_keys USING PRIMARY KEY (key=? AND queue=? AND ready_queue=?)',
  insertLimitGroup: '',
  updateLimitGroup: 'SEARCH ojs_limit_groups USING INTEGER PRIMARY KEY (rowid=?)',
  updateLimitGroupHead: 'SEARCH ojs_limit_groups USING INTEGER PRIMARY KEY (rowid=?)',
  setLimitGroupOpen: 'SEARCH ojs_limit_groups USING INTEGER PRIMARY KEY (rowid=?)',
  deleteLimitGroup: 'SEARCH ojs_limit_groups USING INTEGER PRIMARY KEY (rowid=?)',
  setRateTimer: '',
  deleteRateTimer: 'SEARCH ojs_rate_timers USING PRIMARY KEY (key=? AND queue=?)',
  deleteRateTimersOf: 'SEARCH ojs_rate_timers USING PRIMARY KEY (key=?)',
  dueRateTimers: 'SEARCH ojs_rate_timers USING COVERING INDEX ojs_rate_timers_at (queue=? AND at<?)',
  nextRateTimer: 'SEARCH ojs_rate_timers USING COVERING INDEX ojs_rate_timers_at (queue=?)',
  flow: 'SEARCH ojs_workflows USING INDEX sqlite_autoindex_ojs_workflows_1 (id=?)',
  flowById: 'SEARCH ojs_workflows USING INDEX sqlite_autoindex_ojs_workflows_1 (id=?)',
  flowByNumber: 'SEARCH ojs_workflows USING INTEGER PRIMARY KEY (rowid=?)',
  flowsDown: 'SEARCH ojs_workflows USING COVERING INDEX ojs_workflows_state (state=? AND rowid<?)',
  makeFlow: '',
  writeFlow: 'SEARCH ojs_workflows USING INTEGER PRIMARY KEY (rowid=?)',
  countFlows: '',
  flowCount: 'SEARCH ojs_workflow_counts USING PRIMARY KEY (state=?)',
  // A partial index of what nobody has dealt with yet: most often empty.
  unfinished: 'SCAN ojs_workflows USING INDEX ojs_workflows_ready',
  sweeping: 'SCAN ojs_workflows USING INDEX ojs_workflows_sweeping',
  oldestFlows: 'SEARCH ojs_workflows USING INDEX ojs_workflows_finished (finished_at>?)',
  // Four counts, and what is not swept yet.
  endedFlows:
    'SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SCAN ojs_workflow_counts; SCALAR SUBQUERY 2; SCAN ojs_workflows USING INDEX ojs_workflows_sweeping',
  removeFlow: 'SEARCH ojs_workflows USING INTEGER PRIMARY KEY (rowid=?)',
  nodeRange: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  nodes:
    'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?); SEARCH ojs_node_specs USING INTEGER PRIMARY KEY (rowid=?)',
  readyNodes: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  makeNode: '',
  makeNodeSpec: '',
  writeNode: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid=?)',
  writeNodes: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  reopenNode: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid=?)',
  waitingMembers: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  cancelWaiting: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  removeNodes: 'SEARCH ojs_nodes USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  removeNodeSpecs: 'SEARCH ojs_node_specs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  record: 'SEARCH ojs_records USING PRIMARY KEY (kind=? AND key=?)',
  recordsUp: 'SEARCH ojs_records USING PRIMARY KEY (kind=? AND key>?)',
  recordsDown: 'SEARCH ojs_records USING PRIMARY KEY (kind=? AND key<?)',
  putRecord: '',
  deleteRecord: 'SEARCH ojs_records USING PRIMARY KEY (kind=? AND key=?)',
  deleteRecordsOf: 'SEARCH ojs_records USING PRIMARY KEY (kind=?)',
};

/** The columns of EXPLAIN QUERY PLAN. */
const plan = columns({ id: integer, parent: integer, notused: integer, detail: text });

test('every statement uses its index right after a bulk claim, without statistics and with stale ones', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const planned = () => {
    const sql = new Connection(path, 'FULL');
    const found = Object.entries(statements).map(([name, statement]) => {
      const text = typeof statement === 'string' ? statement : statement.text;
      const numbered = Array.from(text.matchAll(/\?(\d+)/g), ([, number]) => Number(number));
      const count = numbered.length > 0 ? Math.max(...numbered) : text.split('?').length - 1;
      const values = Array.from({ length: count }, () => 1);
      return [
        name,
        sql
          .all(plan.of(`EXPLAIN QUERY PLAN ${text}`), ...values)
          .map(({ detail }) => detail)
          .join('; '),
      ];
    });
    sql.close();
    return Object.fromEntries(found);
  };
  await storage.jobs.insert([Array.from({ length: 2000 }, (_, number) => newJob(number))], t0);
  await claim(storage, { limit: 1500 });
  expect(planned()).toEqual(plans);
  // Statistics from before the claim, when nothing was active.
  await storage.clear();
  await storage.jobs.insert([Array.from({ length: 2000 }, (_, number) => newJob(number))], t0);
  const sql = new Connection(path, 'FULL');
  sql.execute('ANALYZE');
  sql.close();
  await claim(storage, { limit: 1500 });
  expect(planned()).toEqual(plans);
  expect((await storage.registry.queues())[0]?.counts[State.active]).toBe(1500);
});
