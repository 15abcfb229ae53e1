import type { Section } from './rule.ts';

export const workers: Section = {
  title: 'Workers and timeouts',
  rules: [
    {
      ref: 'ojs-worker-protocol §2.3',
      must: 'A worker’s own state is never lowered by an answer.',
      cases: ['OJS-L1-HBT-008'],
    },
    {
      ref: 'ojs-worker-protocol §3; deviations X28',
      must: 'Registration is implicit; register and deregister are there.',
      cases: ['OJS-L1-WRK-001'],
    },
    {
      ref: 'ojs-worker-protocol §3.4; deviations X28',
      must: 'A worker that only fetches is known; a worker that is deregistered gives back its jobs at once.',
      cases: ['OJS-L1-WRK-003'],
    },
    {
      ref: 'ojs-worker-protocol §4.2; deviations X10',
      must: 'Both dialects of the heartbeat.',
      cases: ['OJS-L1-HBT-001', 'OJS-L1-HBT-002', 'OJS-L1-HBT-009'],
    },
    {
      ref: 'ojs-worker-protocol §5.4',
      must: 'It extends the listed jobs that are active and owned, and says which.',
      cases: ['OJS-L1-HBT-003', 'OJS-L1-HBT-004', 'OJS-L1-HBT-005', 'OJS-L1-HBT-006'],
    },
    { ref: 'official L1-WRK-002', must: 'Directives of test mode.', cases: ['OJS-L1-HBT-007'] },
    {
      ref: 'ojs-worker-protocol §5.2, §5.3',
      must: 'The fetch’s visibility timeout, then the job’s, then 1,800 s.',
      cases: ['OJS-L1-VIS-004', 'OJS-L1-VIS-005'],
    },
    {
      ref: 'ojs-worker-protocol §5.6; deviations X29',
      must: 'ACK and FAIL of another worker are refused where the worker is named; a stale lease always.',
      cases: ['OJS-L1-OWN-001', 'OJS-L1-OWN-002', 'OJS-L1-OWN-005'],
    },
    {
      ref: 'ojs-worker-protocol §10.1; deviations X10',
      must: 'A worker that never sent a heartbeat is not dead.',
      cases: ['OJS-L1-VIS-005'],
    },
    {
      ref: 'ojs-worker-protocol §10.1',
      must: 'Dead after 30 s of silence: its jobs go back at once.',
      cases: [],
      tests: [['packages/server/test/engine/upkeep.test.ts', 'a worker is dead after 30 s without a heartbeat']],
      why: 'takes half a minute; held with a manual clock',
    },
    {
      ref: 'docs/server.md',
      must: 'A job under which three workers died is set aside.',
      cases: [],
      tests: [['packages/core/test/lifecycle/decide.test.ts', 'a job under which three workers died is set aside']],
      why: 'takes three deaths of half a minute',
    },
    {
      ref: 'ojs-timeouts §5.1; deviations X11',
      must: 'The execution timeout is enforced; grace only where asked for; heartbeats do not extend it.',
      cases: ['OJS-L1-TMO-001', 'OJS-L1-TMO-002', 'OJS-L1-TMO-003', 'OJS-L1-TMO-004'],
    },
    {
      ref: 'ojs-timeouts §5.5',
      must: 'heartbeat_timeout from the first heartbeat on; progress counts too.',
      cases: ['OJS-L1-HBT-011', 'OJS-L1-HBT-012'],
    },
    {
      ref: 'ojs-timeouts §5.3, §5.2',
      must: 'enqueue_ttl until the first start, total_timeout always.',
      cases: ['OJS-L1-TMO-005', 'OJS-L2-TTL-006', 'OJS-L2-TTL-007', 'OJS-L2-TTL-008'],
    },
    {
      ref: 'ojs-progress; ojs-durable-execution; ojs-results',
      must: 'Progress, checkpoints, results, snoozes.',
      cases: ['OJS-L1-REP-001', 'OJS-L1-REP-002', 'OJS-L1-REP-003', 'OJS-L1-REP-004'],
    },
    {
      ref: 'ojs-results §6.1',
      must: 'A result over the size limit of its job is refused; the job stays active.',
      cases: ['OJS-L1-REP-005'],
    },
    {
      ref: 'ojs-results §6.1',
      must: 'A result is to be had until its time is over, and in no answer from then on.',
      cases: ['OJS-L1-REP-006'],
    },
    {
      ref: 'ojs-worker-protocol §6.6, §7',
      must: 'A worker’s fetching, shutdown and signals.',
      cases: [],
      tests: [
        ['packages/sdk/test/worker.test.ts', 'at the timeout the signal aborts'],
        [
          'packages/sdk/test/lifecycle.test.ts',
          'at the end of the grace period the signal aborts and the job goes back uncounted as shutdown',
        ],
        ['packages/sdk/test/signals.test.ts', 'SIGTSTP makes quiet, SIGCONT goes on'],
      ],
      why: 'rules for workers',
    },
    {
      ref: 'ojs-middleware',
      must: 'Middleware of clients and workers.',
      cases: [],
      why: 'rules for clients and workers',
    },
  ],
};
