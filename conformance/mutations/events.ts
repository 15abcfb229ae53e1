import type { Mutation } from './mutation.ts';

export const events: readonly Mutation[] = [
  {
    name: 'trace-forgotten',
    rule: 'ojs-events §8',
    in: 'core: normalise',
    find: 'trace: identity.trace,',
    replace: 'trace: null,',
    cases: ['OJS-L0-EVT-007'],
  },
  {
    name: 'no-heartbeat-event',
    rule: 'ojs-events §5.1',
    in: 'server/memory: note',
    find: 'change.logAll([heartbeatEntry({ ...row.job, worker }, leaseUntil)]);',
    replace: '',
    cases: ['OJS-L1-HBT-010'],
  },
  {
    name: 'no-enqueued-event',
    rule: 'ojs-events §5.1',
    in: 'core: creationEvent',
    find: "'job.enqueued'",
    replace: 'null',
    cases: ['OJS-L0-EVT-002', 'OJS-L0-EVT-003', 'OJS-L0-EVT-004', 'OJS-L0-EVT-007'],
  },
  {
    name: 'no-failed-event',
    rule: 'ojs-events §5.1',
    in: 'core: endOf',
    find: "...first, { kind: 'job.failed', data: JSON.stringify({ error }) }",
    replace: '...first',
    cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005'],
  },

  {
    name: 'filters-by-or',
    rule: 'ojs-events §6',
    in: 'server: matcher',
    find: '(types.length === 0 || ofKind(entry[0])) &&',
    replace: '(types.length === 0 || ofKind(entry[0])) ||',
    cases: ['OJS-L0-EVT-003', 'OJS-L0-EVT-004', 'OJS-L1-IDE-004'],
  },

  {
    name: 'zero-limit',
    rule: 'ojs-http-binding §17',
    in: 'core/requests: readPage',
    find: "read('limit', 1) ??",
    replace: "read('limit', 0) ??",
    cases: ['OJS-L0-EVT-006'],
  },
  {
    name: 'backoff-ends-with-an-enqueue',
    rule: 'ojs-events §10.2',
    in: 'core: promotionEvent',
    find: "'job.state_changed'",
    replace: "'job.enqueued'",
    cases: ['OJS-L1-RTR-020'],
  },
];
