import type { Mutation } from './mutation.ts';

export const events: readonly Mutation[] = [
  {
    name: 'trace-forgotten',
    rule: '§9 ev 8',
    in: 'core: normalise',
    find: 'trace: identity.trace,',
    replace: 'trace: null,',
    cases: ['OJS-L0-EVT-007'],
  },
  {
    name: 'no-heartbeat-event',
    rule: '§9 job.heartbeat',
    in: 'server/memory: note',
    find: 'change.tellAll([heartbeatEntry({ ...row.job, worker }, leaseUntil)]);',
    replace: '',
    cases: ['OJS-L1-HBT-010'],
  },
  {
    name: 'no-enqueued-event',
    rule: '§9',
    in: 'core: creationEvent',
    find: "'job.enqueued'",
    replace: 'null',
    cases: ['OJS-L0-EVT-002', 'OJS-L0-EVT-003', 'OJS-L0-EVT-004', 'OJS-L0-EVT-007'],
  },
  {
    name: 'no-failed-event',
    rule: '§9',
    in: 'core: endOf',
    find: "...first, { kind: 'job.failed', data: JSON.stringify({ error }) }",
    replace: '...first',
    cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005'],
  },

  {
    name: 'filters-by-or',
    rule: '§9',
    in: 'server: matcher',
    find: '(types.length === 0 || ofKind(entry[0])) &&',
    replace: '(types.length === 0 || ofKind(entry[0])) ||',
    cases: ['OJS-L0-EVT-003', 'OJS-L0-EVT-004', 'OJS-L1-IDE-004'],
  },

  {
    name: 'zero-limit',
    rule: '§3.3',
    in: 'server/binding: readPage',
    find: "read('limit', 1) ??",
    replace: "read('limit', 0) ??",
    cases: ['OJS-L0-EVT-006'],
  },
];
