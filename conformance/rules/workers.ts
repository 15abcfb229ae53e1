import type { Section } from './rule.ts';

export const workers: Section = {
  title: 'Workers and timeouts',
  rules: [
    {
      ref: 'ojs-worker-protocol §2.3',
      must: 'An answer never lowers the state that a worker reports.',
      cases: ['OJS-L1-HBT-008'],
    },
    {
      ref: 'ojs-worker-protocol §3; deviations X28',
      must: 'Registration is implicit. The server also has register and deregister.',
      cases: ['OJS-L1-WRK-001'],
    },
    {
      ref: 'ojs-worker-protocol §3.4; deviations X28',
      must: 'The server knows a worker that only fetches. A deregistered worker gives back its jobs at once.',
      cases: ['OJS-L1-WRK-003'],
    },
    {
      ref: 'ojs-worker-protocol §4.2; deviations X10',
      must: 'The server reads both dialects of the heartbeat.',
      cases: ['OJS-L1-HBT-001', 'OJS-L1-HBT-002', 'OJS-L1-HBT-009'],
    },
    {
      ref: 'ojs-worker-protocol §5.4',
      must: 'A heartbeat extends the listed jobs that are active and owned by the worker. The answer lists them.',
      cases: ['OJS-L1-HBT-003', 'OJS-L1-HBT-004', 'OJS-L1-HBT-005', 'OJS-L1-HBT-006'],
    },
    {
      ref: 'official L1-WRK-002',
      must: 'In test mode a job’s meta can make the server send a directive.',
      cases: ['OJS-L1-HBT-007'],
    },
    {
      ref: 'ojs-worker-protocol §5.2, §5.3',
      must: 'The visibility timeout is that of the fetch, else that of the job, else 1,800 s.',
      cases: ['OJS-L1-VIS-004', 'OJS-L1-VIS-005'],
    },
    {
      ref: 'ojs-worker-protocol §5.6; deviations X29',
      must: 'The server refuses ACK and FAIL of another worker if the call names its worker, and always with a stale lease.',
      cases: ['OJS-L1-OWN-001', 'OJS-L1-OWN-002', 'OJS-L1-OWN-005', 'OJS-L1-OWN-006'],
    },
    {
      ref: 'ojs-worker-protocol §10.1; deviations X10',
      must: 'A worker that never sent a heartbeat is not dead.',
      cases: ['OJS-L1-VIS-005'],
    },
    {
      ref: 'ojs-worker-protocol §10.1',
      must: 'A worker is dead after 30 s without a heartbeat. Its jobs become available at once.',
      cases: [],
      tests: [['packages/server/test/engine/upkeep/upkeep.test.ts', 'a worker is dead after 30 s without a heartbeat']],
      why: 'takes half a minute; held with a manual clock',
    },
    {
      ref: 'docs/guarantees.md',
      must: 'The server discards a job to the dead letter after three deaths of its process, at least two of them with no other job. A death beside other jobs counts no attempt.',
      cases: [],
      tests: [
        [
          'packages/core/test/lifecycle/decide.test.ts',
          'a job that killed three workers, alone, is discarded to the dead letter',
        ],
        ['packages/core/test/lifecycle/decide.test.ts', 'a death beside other jobs counts no attempt'],
        ['packages/core/test/lifecycle/decide.test.ts', 'it takes two deaths alone'],
      ],
      why: 'takes three deaths of half a minute',
    },
    {
      ref: 'ojs-timeouts §5.1; deviations X11',
      must: 'The server enforces the execution timeout. Grace counts only if the job asks for it; heartbeats do not extend the timeout.',
      cases: ['OJS-L1-TMO-001', 'OJS-L1-TMO-002', 'OJS-L1-TMO-003', 'OJS-L1-TMO-004'],
    },
    {
      ref: 'ojs-timeouts §5.5',
      must: 'heartbeat_timeout counts from the first heartbeat. A progress report counts as one.',
      cases: ['OJS-L1-HBT-011', 'OJS-L1-HBT-012'],
    },
    {
      ref: 'ojs-timeouts §5.3, §5.2',
      must: 'enqueue_ttl counts until the first start, total_timeout always.',
      cases: ['OJS-L1-TMO-005', 'OJS-L2-TTL-006', 'OJS-L2-TTL-007', 'OJS-L2-TTL-008'],
    },
    {
      ref: 'ojs-progress; ojs-durable-execution; ojs-results',
      must: 'Workers can report progress, save checkpoints, give results and snooze jobs.',
      cases: ['OJS-L1-REP-001', 'OJS-L1-REP-002', 'OJS-L1-REP-003', 'OJS-L1-REP-004'],
    },
    {
      ref: 'ojs-results §6.1',
      must: 'The server refuses a result over the size limit of its job. The job stays active.',
      cases: ['OJS-L1-REP-005'],
    },
    {
      ref: 'ojs-results §6.1',
      must: 'Answers contain a result until its TTL ends, and not afterwards.',
      cases: ['OJS-L1-REP-006'],
    },
    {
      ref: 'ojs-worker-protocol §6.6, §7',
      must: 'Workers fetch, shut down and handle signals as specified.',
      cases: [],
      tests: [
        ['packages/sdk/test/worker/worker.test.ts', 'a timeout aborts the signal'],
        [
          'packages/sdk/test/worker/lifecycle.test.ts',
          'at the end of the grace period the signal aborts and the job goes back uncounted as shutdown',
        ],
        ['packages/sdk/test/worker/signals.test.ts', 'SIGTSTP makes quiet, SIGCONT goes on'],
      ],
      why: 'rules for workers',
    },
    {
      ref: 'ojs-middleware',
      must: 'Clients and workers have middleware.',
      cases: [],
      why: 'rules for clients and workers',
    },
  ],
};
