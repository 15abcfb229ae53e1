import * as claim from '../../../../packages/core/src/memory/claim.ts';
import { EventLog } from '../../../../packages/core/src/memory/event-log.ts';
import { Limit } from '../../../../packages/core/src/memory/limits.ts';
import * as reopen from '../../../../packages/core/src/workflow/reopen.ts';
import { type ReopeningSources, Reopenings } from '../../../../packages/core/src/workflow/reopen.ts';
import * as reopened from '../../../../packages/core/src/workflow/reopened.ts';
import { Delivery } from '../../../../packages/sdk/src/worker/execution/delivery.ts';
import { nackEntry } from '../../../../packages/sdk/src/worker/execution/outcome.ts';
import { Upkeep } from '../../../../packages/server/src/engine/upkeep/upkeep.ts';
import * as openFetches from '../../../../packages/server/src/engine/workers/open-fetches.ts';
import { Workflows } from '../../../../packages/server/src/engine/workflows/workflows.ts';
import { Wakes } from '../../../../packages/server/src/storage/wakes.ts';
import type { Bugs } from '../bugs.ts';
import { all, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant, set } from '../plant.ts';

const { State } = core;
const nothing = async () => {};
const lost = { code: 'timeout', type: 'timeout', message: 'lost', retryable: true };
/** Whether the claim call that runs has found room under the limit of a queue. */
let hadRoom = false;

/** Changes what retries of steps read of their workflows. */
function reopenings(change: (sources: ReopeningSources) => ReopeningSources): Plant {
  return set(
    reopen,
    'Reopenings',
    class extends Reopenings {
      constructor(sources: ReopeningSources) {
        super(change(sources));
      }
    },
  );
}

/** Bugs of the kind that queues have; the simulation finds them. */
export const simulation: Bugs = {
  'no-fence': [
    'the ack of an earlier claim is taken',
    on(core, 'verdict', (next, job, transition) => {
      const verdict = next(job, transition);
      if (verdict !== 'refused' || !core.isIn(job.state, transition.from)) return verdict;
      return next({ ...job, leaseRequired: false }, { ...transition, claim: job.claim });
    }),
  ],
  'ack-becomes-nack': [
    'an ack whose answer was lost is sent again as a failure',
    on(Delivery.prototype, 'answered', (next, leased, answer) => {
      next(leased, answer);
      if ((answer?.status ?? 503) < 500 || leased.outcome !== 'ack') return;
      leased.outcome = 'nack';
      leased.entry = nackEntry(leased, { failure: lost });
    }),
  ],
  'claim-reset': [
    'a retry sets the counter of claims back',
    on(core, 'moved', (next, job, transition, now) =>
      Object.assign(next(job, transition, now), transition.to === State.retryable && { claim: 0 }),
    ),
  ],
  'no-finish': [
    'what follows the end of a job is lost with the server that has to do it',
    on(Workflows.prototype, 'finish', nothing),
  ],
  'stale-loss': [
    'a lost lease is decided from an old record, without the guard of its claim',
    // Decisions from a record add to its history; an ack does not.
    on(core, 'verdict', (next, job, transition) =>
      next(job, transition.history === undefined ? transition : without(transition, 'claim')),
    ),
  ],
  'no-repeat': [
    'a repeated fetch is not recognised: the jobs of a lost answer come back only when somebody misses them',
    on(claim, 'claim', (next, tables, ...rest) => {
      const known = [...tables.requests];
      tables.requests.clear();
      const answers = next(tables, ...rest);
      for (const [key, one] of known) if (!tables.requests.has(key)) tables.requests.set(key, one);
      return answers;
    }),
  ],
  'never-forgotten': [
    'nobody misses a job that no heartbeat lists',
    on(core, 'liveness', (next, ...args) => {
      const liveness = next(...args);
      return liveness === 'forgotten' ? 'alive' : liveness;
    }),
  ],
  'open-fetch-lost': [
    'heartbeats take back the jobs of a fetch whose answer is slow on its way',
    on(openFetches, 'beat', (next, storage, beats, clock) =>
      next(
        storage,
        beats.map((beat) => without(beat, 'openFetches')),
        clock,
      ),
    ),
  ],
  'silence-without-since': [
    'the silence of workers counts while the servers were unreachable',
    on(core, 'deadAt', (next, seenAt, _, deadAfterMs) => next(seenAt, 0, deadAfterMs)),
  ],
  'death-charges-all': [
    'the death of a worker counts against every job that it held',
    on(core, 'leaseLost', (next, job, cause, now, poisonAfter, death) =>
      next(job, cause, now, poisonAfter, { ...death, beside: 0 }),
    ),
  ],
  'limit-once': [
    'a claim does not look at the limit for its second job on',
    all(
      on(claim, 'claim', (next, ...args) => {
        hadRoom = false;
        return next(...args);
      }),
      on(Limit.prototype, 'hasRoom', (next, now, active) => {
        if (active === undefined) return next(now);
        hadRoom ||= next(now, active);
        return hadRoom;
      }),
    ),
  ],
  'unique-freed-early': [
    'a retryable job no longer holds its unique key',
    on(core, 'uniqueAnswer', (next, unique, holders) =>
      next(
        unique,
        holders.filter(({ state }) => state !== State.retryable),
      ),
    ),
  ],
  'settled-twice': [
    'a repeated ack is refused, though the first took effect',
    on(core, 'verdict', (next, ...args) => {
      const verdict = next(...args);
      return verdict === 'already' ? 'refused' : verdict;
    }),
  ],
  'no-promotion': ['jobs that are due wait for the next claim', on(Upkeep.prototype, 'promote', nothing)],
  'no-overdue': ['leases never end', on(Upkeep.prototype, 'settleOverdue', nothing)],
  'no-liveness': ['nobody looks for dead workers', on(Upkeep.prototype, 'settleLiveness', nothing)],
  'heartbeat-of-anyone': [
    'a heartbeat renews a claim that is not its own any more',
    on(core, 'extended', (_next, _job, _ms, now) => now),
  ],
  'lost-wake-up': ['a waiting fetch hears nothing of new jobs', on(Wakes.prototype, 'wake', () => {})],
  'attempt-not-counted': [
    'a claim does not count as an attempt',
    on(core, 'claimed', (next, job, ...rest) => ({ ...next(job, ...rest), attempt: Math.max(1, job.attempt) })),
  ],
  'retry-leaves-workflow': [
    'a retried step runs, and its workflow stays failed',
    on(Reopenings.prototype, 'with', function* (_, transition) {
      yield* [];
      return transition;
    }),
  ],
  'callback-once': [
    'a callback that has run keeps its job when its batch is opened again, so it does not fire at the next end',
    on(Reopenings.prototype, 'with', function* (next, ...args) {
      const { reopens, ...transition } = yield* next(...args);
      if (reopens === undefined) return transition;
      return { ...transition, reopens: { ...reopens, nodes: reopens.nodes.map((node) => ({ ...node, job: null })) } };
    }),
  ],
  'reopened-counts': [
    'steps that are opened again still count as ended',
    on(reopened, 'uncounted', () => ({ completed: 0, failed: 0, cancelled: 0 })),
  ],
  'reopened-too-early': [
    'a step that is opened again does not wait for the retried one',
    on(reopened, 'reopenedNode', (next, node, change) => next(node, node.member ? { ...change, opened: 0 } : change)),
  ],
  'reopened-after-all': [
    'a step is retried although later steps have gone on without it',
    reopenings((sources) => ({
      ...sources,
      workflows: {
        ...sources.workflows,
        nodes: (...args) =>
          core.run(
            (function* () {
              const nodes = yield* core.ask(sources.workflows.nodes(...args));
              return nodes.map((node) => (node.member && node.state !== 'failed' ? { ...node, job: null } : node));
            })(),
          ),
      },
    })),
  ],
  'reopened-for-nothing': [
    'a step is retried although a later one can run no more',
    reopenings((sources) => ({
      ...sources,
      workflows: {
        ...sources.workflows,
        get: (id) =>
          core.run(
            (function* () {
              const record = yield* core.ask(sources.workflows.get(id));
              return record && { ...record, failed: 0, cancelled: 0 };
            })(),
          ),
      },
    })),
  ],
  'filtered-read-cut-short': [
    'a read of rare events ends at the first batch without them, and says that it has seen the whole log',
    on(EventLog.prototype, 'after', (next, position, limit, kinds) => {
      const read = next(position, limit, kinds);
      const all = next(position, limit).batches;
      const batches = read.batches.filter((batch, at) => batch === all[at]);
      return batches.length === all.length ? read : { ...read, batches, reached: read.newest };
    }),
  ],
  'id-not-known': [
    'a repeated enqueue answers that the job is a duplicate of itself',
    on(core, 'sameOrOther', (_next, _job, existing) => ({ kind: 'duplicate', by: 'id', existing })),
  ],
};
