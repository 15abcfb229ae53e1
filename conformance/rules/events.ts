import type { Section } from './rule.ts';

export const events: Section = {
  title: '§9 Events',
  rules: [
    { ref: '§9 X27', must: 'The envelope with its mirrors; ids unique and stable.', cases: ['OJS-L0-EVT-004'] },
    {
      ref: '§9',
      must: 'Events of a job come in the order of its life, with their required data.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-008'],
    },
    {
      ref: '§9 level 0',
      must: 'job.enqueued, started, completed, failed, discarded.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005'],
    },
    {
      ref: '§9 level 1',
      must: 'job.retrying, cancelled, heartbeat.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005', 'OJS-L1-HBT-010'],
    },
    { ref: '§9 level 2', must: 'job.scheduled, job.expired.', cases: ['OJS-L2-DLY-003', 'OJS-L2-TTL-002'] },
    { ref: '§9 level 2', must: 'cron.triggered, cron.skipped.', cases: ['OJS-L2-CRN-013', 'OJS-L2-CRN-014'] },
    {
      ref: '§9 level 3 wf App. B',
      must: 'workflow.created, started, step_* and job_*, callback_fired, completed, failed, cancelled.',
      cases: ['OJS-L3-EVT-001', 'OJS-L3-EVT-002', 'OJS-L3-EVT-003', 'OJS-L3-BAT-004'],
    },
    { ref: '§9 level 3 SHOULD', must: 'job.progress.', cases: ['OJS-L1-REP-001'] },
    { ref: '§9 level 4', must: 'queue.paused, queue.resumed.', cases: ['OJS-L4-PAU-001', 'OJS-L0-EVT-005'] },
    { ref: '§9 SHOULD', must: 'worker.started, quiet, stopped.', cases: ['OJS-L1-WRK-002'] },
    {
      ref: 'tmo 11',
      must: 'job.timeout, stalled, ttl_expired, total_timeout.',
      cases: ['OJS-L1-TMO-006', 'OJS-L1-HBT-011', 'OJS-L1-TMO-007', 'OJS-L2-TTL-007'],
    },
    { ref: 'ev 8', must: 'A trace id of meta is in the events.', cases: ['OJS-L0-EVT-007'] },
    {
      ref: 'ev 6',
      must: 'Filters are combined by and; cursors skip nothing; nonsense is refused.',
      cases: ['OJS-L0-EVT-002', 'OJS-L0-EVT-003', 'OJS-L0-EVT-006', 'OJS-L3-EVT-004'],
      tests: [['packages/server/test/engine/events.test.ts', 'a cursor before the oldest event kept tells of the gap']],
    },
    {
      ref: 'ev 10.2',
      must: 'A return to the queue is no second job.enqueued.',
      cases: ['OJS-L0-EVT-009', 'OJS-L1-RTR-020'],
    },
  ],
};
