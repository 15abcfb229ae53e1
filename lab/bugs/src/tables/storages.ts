import { Counters } from '../../../../packages/server/src/storage/postgres/connection/counters.ts';
import { Changes } from '../../../../packages/server/src/storage/postgres/jobs/changes.ts';
import { Limits as PostgresLimits } from '../../../../packages/server/src/storage/postgres/limits/limits.ts';
import { Graph as PostgresGraph } from '../../../../packages/server/src/storage/postgres/workflows/graph.ts';
import { LimitGroups } from '../../../../packages/server/src/storage/sqlite/limits/limit-groups.ts';
import { Limits as SqliteLimits } from '../../../../packages/server/src/storage/sqlite/limits/limits.ts';
import * as move from '../../../../packages/server/src/storage/sqlite/move.ts';
import { QueueCounters } from '../../../../packages/server/src/storage/sqlite/queue-counters.ts';
import { Graph as SqliteGraph } from '../../../../packages/server/src/storage/sqlite/workflows/graph.ts';
import type { CaseBugs } from '../bugs.ts';
import * as core from '../core.ts';
import { lua, on, stored } from '../plant.ts';
import { queuesRightToLeft } from './jobs.ts';

const { State } = core;

const beatExtendsOthers = on(core, 'isOwner', (next, job, owner) => next(job, { ...owner, worker: null }));
const deleteOfAnything = stored('jobs', 'remove', (next, ids, _, now) => next(ids, { from: core.AllStates }, now));
const resumeIgnored = stored('registry', 'pauseQueue', (next, name, _, now) => next(name, true, now));
const runsNotCounted = on(core, 'fired', (next, ...args) => ({ ...next(...args), runCount: 0 }));
const requestReturnsEnded = stored('jobs', 'claim', async function (next, claims, ...rest) {
  const known = await this.claimsOf(claims.map(({ worker, request }) => ({ worker, request: request ?? '' })));
  const given = await Promise.all(known.map((some) => this.get(some.map(({ id }) => id))));
  const answers = await next(claims, ...rest);
  return answers.map((answer, at) => {
    const again = (given[at] ?? []).filter((job) => job !== null);
    return again.length > 0 ? { jobs: again, again: null } : answer;
  });
});

/** Mistakes of one storage, by its name. The cases run on it. */
export const storages: CaseBugs = {
  'sqlite-queues-right-to-left': ['OJS-L0-FET-004', queuesRightToLeft],
  'sqlite-beat-extends-others': ['OJS-L1-HBT-005', beatExtendsOthers],
  'sqlite-request-returns-ended': ['OJS-L0-FET-008', requestReturnsEnded],
  'sqlite-delete-of-anything': ['OJS-L1-DLQ-005', deleteOfAnything],
  'sqlite-resume-ignored': ['OJS-L1-QUE-001', resumeIgnored],
  'sqlite-dead-letter-miscounted': [
    'OJS-L1-DLQ-003',
    on(QueueCounters.prototype, 'addDeadLetter', (next, queue, _, now) => next(queue, 1, now)),
  ],
  'sqlite-chain-stops-after-one': [
    'OJS-L3-CHN-001 OJS-L3-BAT-001',
    on(SqliteGraph.prototype, 'lower', (next, ...args) => next(...args).slice(0, 0)),
  ],
  'sqlite-cancelled-member-passes': [
    'OJS-L3-CHN-005',
    on(SqliteGraph.prototype, 'lower', (next, flow, node, passes) =>
      next(flow, node, passes || node.state === 'cancelled'),
    ),
  ],
  'sqlite-failures-not-passed-on': [
    'OJS-L3-CHN-003 OJS-L3-GRP-002 OJS-L3-BAT-002',
    on(SqliteGraph.prototype, 'lower', (next, flow, node) => next(flow, node, true)),
  ],
  'sqlite-replace-keeps-the-old': [
    'OJS-L4-UNQ-008 OJS-L4-UNQ-009',
    on(move, 'move', (next, tx, transition, now) =>
      transition.to === State.cancelled ? { kind: 'missing' } : next(tx, transition, now),
    ),
  ],
  'sqlite-queue-limit-ignored': [
    'OJS-L4-RLM-001 OJS-L4-RLM-007',
    on(SqliteLimits.prototype, 'queueClosedUntil', () => null),
  ],
  'sqlite-limit-ignored': ['OJS-L4-RLM-002', on(LimitGroups.prototype, 'closing', () => null)],
  'sqlite-runs-not-counted': ['OJS-L2-CRN-003 OJS-L2-CRN-013', runsNotCounted],
  'postgres-queues-right-to-left': ['OJS-L0-FET-004', queuesRightToLeft],
  'postgres-request-returns-ended': ['OJS-L0-FET-008', requestReturnsEnded],
  'postgres-queue-limit-ignored': [
    'OJS-L4-RLM-001 OJS-L4-RLM-007',
    on(PostgresLimits.prototype, 'closedUntil', (next, key, now) =>
      core.limitedQueue(key) === null ? next(key, now) : null,
    ),
  ],
  'postgres-limit-ignored': ['OJS-L4-RLM-002', on(PostgresLimits.prototype, 'closing', () => null)],
  'postgres-beat-extends-others': ['OJS-L1-HBT-005', beatExtendsOthers],
  'postgres-delete-of-anything': ['OJS-L1-DLQ-005', deleteOfAnything],
  'postgres-resume-ignored': ['OJS-L1-QUE-001', resumeIgnored],
  'postgres-dead-letter-miscounted': [
    'OJS-L1-DLQ-003',
    on(Counters.prototype, 'addDeadLetter', (next, queue) => next(queue, 1)),
  ],
  'postgres-chain-stops-after-one': [
    'OJS-L3-CHN-001 OJS-L3-BAT-001',
    on(PostgresGraph.prototype, 'lower', (next, ...args) => next(...args).slice(0, 0)),
  ],
  'postgres-cancelled-member-passes': [
    'OJS-L3-CHN-005',
    on(PostgresGraph.prototype, 'lower', (next, node, passes) => next(node, passes || node.state === 'cancelled')),
  ],
  'postgres-failures-not-passed-on': [
    'OJS-L3-CHN-003 OJS-L3-GRP-002 OJS-L3-BAT-002',
    on(PostgresGraph.prototype, 'lower', (next, node) => next(node, true)),
  ],
  'postgres-replace-keeps-the-old': [
    'OJS-L4-UNQ-008 OJS-L4-UNQ-009',
    on(Changes.prototype, 'move', (next, held, transition, log) =>
      transition.to === State.cancelled ? 'refused' : next(held, transition, log),
    ),
  ],
  'postgres-runs-not-counted': ['OJS-L2-CRN-003 OJS-L2-CRN-013', runsNotCounted],
  'redis-queues-right-to-left': [
    'OJS-L0-FET-004',
    lua(
      'ops/claim',
      `function serve(claim)
        local reversed = {}
        for at = #claim.queues, 1, -1 do reversed[#reversed + 1] = claim.queues[at] end
        claim.queues = reversed
        return original(claim)
      end`,
    ),
  ],
  'redis-request-returns-ended': [
    'OJS-L0-FET-008',
    lua(
      'ops/claim',
      `function repeated(key)
        local known, held = key and call('HGET', p .. 'requests', key), {}
        if not known then return nil end
        local jobs = require('jobs')
        local claims = unpacked(known).claims
        for i = 1, #claims, 2 do held[#held + 1] = jobs.full(claims[i]) end
        return held
      end`,
    ),
  ],
  'redis-queue-limit-ignored': [
    'OJS-L4-RLM-001 OJS-L4-RLM-007',
    lua('ops/claim', 'function has_room(batch) return #batch.taken < batch.claim.limit and not budget.full end'),
  ],
  'redis-beat-extends-others': [
    'OJS-L1-HBT-005',
    lua(
      'ops/workers',
      `function extend(id, claim, worker, ...)
        local job = jobs.read(id)
        return original(id, claim, job and job.worker or worker, ...)
      end`,
    ),
  ],
  'redis-delete-of-anything': [
    'OJS-L1-DLQ-005',
    lua(
      'ops/jobs',
      'function changing.remove(request) request.from, request.deadLetter = 255, false return original(request) end',
    ),
  ],
  'redis-resume-ignored': [
    'OJS-L1-QUE-001',
    lua('ops/queues', 'function changing.queue_pause(request) request.paused = true return original(request) end'),
  ],
  'redis-dead-letter-miscounted': [
    'OJS-L1-DLQ-003',
    lua('hot/queues', 'function queues.add_dead(name) return original(name, 1) end'),
  ],
  'redis-limit-ignored': [
    'OJS-L4-RLM-002',
    lua(
      'lib/limits',
      'function limits.closed_until(key, now) return limits.of_queue(key) and original(key, now) or nil end',
    ),
  ],
  'redis-chain-stops-after-one': [
    'OJS-L3-CHN-001 OJS-L3-BAT-001',
    lua('lib/workflows', 'function workflows.close(...) original(...) return {} end'),
  ],
  'redis-cancelled-member-passes': [
    'OJS-L3-CHN-005',
    lua('lib/workflows', "function workflows.closed_as(state) return state == 64 and 'c' or original(state) end"),
  ],
  'redis-failures-not-passed-on': [
    'OJS-L3-CHN-003 OJS-L3-GRP-002 OJS-L3-BAT-002',
    lua('lib/workflows', "function workflows.closed_as(state) return state == 64 and 'x' or 'c' end"),
  ],
  'redis-replace-keeps-the-old': [
    'OJS-L4-UNQ-008 OJS-L4-UNQ-009',
    lua('lib/transitions', 'function transitions.cancel() end'),
  ],
  'redis-renumbered-limit-opens-nothing': [
    'OJS-L4-RLM-004',
    lua(
      'lib/limits',
      `function limits.renumber(key, ...)
        local row = original(key, ...)
        limits.eased[key] = nil
        return row
      end`,
    ),
  ],
};
