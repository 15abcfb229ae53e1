import type { Section } from './rule.ts';

export const states: Section = {
  title: 'States',
  rules: [
    {
      ref: 'ojs-core §7.1',
      must: 'A job is available if it has no scheduled time or one in the past.',
      cases: ['OJS-L0-LIF-001', 'OJS-L0-LIF-003'],
    },
    {
      ref: 'ojs-core §6.3',
      must: 'A job with a future time is scheduled. No fetch returns it early; it becomes available when due.',
      cases: ['OJS-L0-LIF-002', 'OJS-L2-DLY-001', 'OJS-L2-DLY-003'],
    },
    {
      ref: 'ojs-core §6.1; ojs-http-binding §7.8',
      must: 'A pending job waits for its activation. An activated job with a future time is scheduled.',
      cases: ['OJS-L0-LIF-004', 'OJS-L0-LIF-005'],
    },
    { ref: 'ojs-core §7.2, §7.3', must: 'FETCH makes a job active, ACK completes it.', cases: ['OJS-L0-LIF-001'] },
    {
      ref: 'ojs-core §7.4',
      must: 'FAIL with attempts left makes it retryable, with its next time.',
      cases: ['OJS-L0-SET-005'],
    },
    {
      ref: 'ojs-core §7.4',
      must: 'FAIL without attempts left discards it.',
      cases: ['OJS-L0-SET-006', 'OJS-L1-RTR-013'],
    },
    {
      ref: 'official L1-WRK-003',
      must: 'A NACK with requeue returns the job to its queue and does not count the attempt.',
      cases: ['OJS-L0-SET-011', 'OJS-L0-SET-012', 'OJS-L0-EVT-009'],
    },
    {
      ref: 'ojs-core §7.6; deviations X5',
      must: 'CANCEL of an active job takes effect at once. The next heartbeat tells the worker; a later ACK or NACK is 409.',
      cases: ['OJS-L0-LIF-008', 'OJS-L1-HBT-006'],
    },
    {
      ref: 'ojs-worker-protocol §5.5; deviations X13',
      must: 'A job whose lease ends becomes available at once, without backoff.',
      cases: ['OJS-L1-VIS-001', 'OJS-L1-VIS-002'],
    },
    {
      ref: 'ojs-worker-protocol §5.5',
      must: 'A job whose lease ends on its last attempt is discarded.',
      cases: ['OJS-L1-VIS-003'],
    },
    {
      ref: 'ojs-timeouts §7',
      must: 'Timeouts and stalls follow the retry policy.',
      cases: ['OJS-L1-TMO-001', 'OJS-L1-TMO-003', 'OJS-L1-HBT-011'],
    },
    {
      ref: 'ojs-events §10.2',
      must: 'A retryable job becomes available after its delay, without a second job.enqueued.',
      cases: ['OJS-L1-RTR-020', 'OJS-L0-EVT-009'],
    },
    {
      ref: 'ojs-core §7.6',
      must: 'CANCEL ends available, scheduled, pending and retryable jobs.',
      cases: ['OJS-L0-LIF-006', 'OJS-L0-LIF-007'],
    },
    {
      ref: 'ojs-core §5.2; ojs-timeouts §5.3',
      must: 'The server discards a job that waits past expires_at or enqueue_ttl. No fetch returns it.',
      cases: [
        'OJS-L0-LIF-012',
        'OJS-L0-LIF-013',
        'OJS-L1-TMO-005',
        'OJS-L2-TTL-001',
        'OJS-L2-TTL-003',
        'OJS-L2-TTL-004',
        'OJS-L2-TTL-005',
      ],
    },
    {
      ref: 'ojs-timeouts §5.2',
      must: 'total_timeout discards waiting and active jobs.',
      cases: ['OJS-L1-RTR-021', 'OJS-L2-TTL-007', 'OJS-L2-TTL-008'],
    },
    {
      ref: 'ojs-http-binding §12.2',
      must: 'A retry from the dead letter starts the attempts again.',
      cases: ['OJS-L1-DLQ-003', 'OJS-L1-DLQ-007', 'OJS-L1-DLQ-008'],
    },
    {
      ref: 'ojs-dead-letter §6.3',
      must: 'A retry from the dead letter may change args, meta, queue and retry.',
      cases: ['OJS-L1-DLQ-004', 'OJS-L1-DLQ-010'],
    },
    {
      ref: 'ojs-core §6.4',
      must: 'Any other transition is 409 conflict with job_id, current_state and expected_state.',
      cases: ['OJS-L0-LIF-009', 'OJS-L0-LIF-010', 'OJS-L0-LIF-011'],
      tests: [
        [
          'packages/core/test/lifecycle/decide.test.ts',
          'every decision on any record is allowed by it and fenced, or is refused as a conflict',
        ],
      ],
    },
    {
      ref: 'ojs-core §6.5.2',
      must: 'Exactly one worker gets a job.',
      cases: ['OJS-L0-FET-011', 'OJS-L1-OWN-002'],
      tests: [
        ['packages/server/test/engine/jobs/fetch.test.ts', 'many waiters and many jobs: each job is claimed once'],
      ],
    },
    { ref: 'ojs-core §7.7', must: 'INFO changes nothing.', cases: ['OJS-L0-LIF-015'] },
    {
      ref: 'ojs-core §6.3',
      must: 'FETCH and GET see due jobs within 200 ms.',
      cases: ['OJS-L1-RTR-019', 'OJS-L1-VIS-002', 'OJS-L0-LIF-002'],
      tests: [['packages/server/test/engine/upkeep/upkeep.test.ts', 'get and fetch see due jobs without any pass']],
    },
    {
      ref: 'ojs-core §5.2, §7.2',
      must: 'FETCH orders jobs by priority, then by arrival, never by id.',
      cases: ['OJS-L0-FET-002', 'OJS-L0-FET-003', 'OJS-L2-DLY-004', 'OJS-L4-PRI-001', 'OJS-L4-PRI-002'],
    },
    {
      ref: 'ojs-worker-protocol §6.3',
      must: 'FETCH takes jobs from its queues strictly from left to right.',
      cases: ['OJS-L0-FET-004'],
    },
    {
      ref: 'ojs-json-format §5.3',
      must: 'The server compares times as instants, whatever their offsets.',
      cases: ['OJS-L0-LIF-014', 'OJS-L2-DLY-002'],
    },
  ],
};
