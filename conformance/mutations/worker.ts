import type { Mutation } from './mutation.ts';

export const worker: readonly Mutation[] = [
  {
    name: 'default-grace',
    rule: 'deviations X11',
    in: 'core: normalise',
    find: 'timing.timeoutMs + (timing.graceMs ?? 0)',
    replace: 'timing.timeoutMs + (timing.graceMs ?? 30_000)',
    cases: ['OJS-L1-TMO-001', 'OJS-L1-TMO-002', 'OJS-L1-TMO-003'],
  },
  {
    name: 'beat-extends-nothing',
    rule: 'ojs-worker-protocol §5.4',
    in: 'core: extended',
    find: 'return Math.max(job.leaseUntil ?? 0, now + Math.max(leaseMs ?? 0, job.leaseMs ?? 0));',
    replace: 'return job.leaseUntil ?? now;',
    cases: ['OJS-L1-HBT-003', 'OJS-L1-HBT-004'],
  },

  {
    name: 'array-dialect-unknown',
    rule: 'deviations X10',
    in: 'server: readBeat',
    find: '[...(listed ?? []), ...(more ?? [])',
    replace: '[...(more ?? [])',
    cases: ['OJS-L1-HBT-002', 'OJS-L1-HBT-006', 'OJS-L1-HBT-007'],
  },
  {
    name: 'cancelled-omitted',
    rule: 'ojs-core §7.6; deviations X5',
    in: 'server: replyToBeat',
    find: 'jobs_cancelled: beaten.lost,',
    replace: 'jobs_cancelled: [],',
    cases: ['OJS-L1-HBT-006'],
  },
  {
    name: 'directive-lost',
    rule: 'official L1-WRK-002',
    in: 'server: replyToBeat',
    find: '(testMode ? await testDirective',
    replace: '(!testMode ? await testDirective',
    cases: ['OJS-L1-HBT-007'],
  },

  {
    name: 'own-state-lost',
    rule: 'ojs-worker-protocol §2.3',
    in: 'server: readBeat',
    find: "state: state ?? 'running',",
    replace: "state: 'running',",
    cases: ['OJS-L1-HBT-008'],
  },

  {
    name: 'no-ownership',
    rule: 'deviations X29',
    in: 'server: readOwner',
    find: "worker ?? fields.string('worker_id')",
    replace: "(worker ?? fields.string('worker_id')) && null",
    cases: ['OJS-L1-EXC-004', 'OJS-L1-OWN-001'],
  },
  {
    name: 'no-fence',
    rule: 'x-lease',
    in: 'server: readOwner',
    find: 'return { id, claim, worker: owner };',
    replace: 'return { id, claim: null, worker: owner };',
    cases: ['OJS-L1-EXC-003', 'OJS-L1-OWN-003', 'OJS-L1-OWN-004'],
  },

  {
    name: 'bad-lease-taken',
    rule: 'x-lease',
    in: 'server: readOwner',
    find: 'if (lease !== null && claim === null) fields.issue',
    replace: "if (lease === '') fields.issue",
    cases: ['OJS-L1-OWN-005'],
  },
  {
    name: 'claim-not-raised',
    rule: 'x-lease',
    in: 'core: claimed',
    find: 'claim: job.claim + 1,',
    replace: 'claim: Math.max(1, job.claim),',
    cases: ['OJS-L1-OWN-002'],
  },

  {
    name: 'lost-never-discarded',
    rule: 'ojs-worker-protocol §5.5',
    in: 'core: leaseLost',
    find: 'ending.exhausts() ? ending.discard() :',
    replace: '',
    cases: ['OJS-L1-VIS-003'],
  },
  {
    name: 'lost-keeps-worker',
    rule: 'ojs-worker-protocol §5.5; deviations X13',
    in: 'core: endOf',
    find: 'clearRun: true, events:',
    replace: 'events:',
    cases: ['OJS-L1-VIS-001'],
  },
  {
    name: 'lease-never-ends',
    rule: 'ojs-worker-protocol §5.2, §5.3',
    in: 'core: overdue',
    find: 'if (first === leaseUntil) return leaseLost(',
    replace: 'if (first === leaseUntil) return null;\n    if (first < 0) return leaseLost(',
    cases: ['OJS-L1-HBT-005', 'OJS-L1-VIS-002', 'OJS-L1-VIS-004'],
  },
  {
    name: 'beat-without-server-time',
    rule: 'ojs-worker-protocol §4.2; deviations X10',
    in: 'server: replyToBeat',
    find: 'server_time: new Date(engine.clock.now()).toISOString(),',
    replace: '',
    cases: ['OJS-L1-HBT-001'],
  },

  {
    name: 'lease-of-a-second',
    rule: 'deviations X9',
    in: 'server: Engine.constructor',
    find: 'options.visibilityMs ?? 1_800_000',
    replace: 'options.visibilityMs ?? 1_000',
    cases: ['OJS-L1-TMO-004', 'OJS-L1-VIS-005'],
  },

  {
    name: 'timeout-kind-lost',
    rule: 'ojs-timeouts §8',
    in: 'core: timeoutDetails',
    find: 'return { timeout_kind: kind,',
    replace: 'return { kind,',
    cases: ['OJS-L1-TMO-001'],
  },
];
