import type { Section } from './rule.ts';

export const events: Section = {
  title: 'Events',
  rules: [
    {
      ref: 'ojs-events §2; deviations X27',
      must: 'The envelope with its mirrors; ids unique and stable.',
      cases: ['OJS-L0-EVT-004'],
    },
    {
      ref: 'ojs-events §4.1, §9.2',
      must: 'Events of a job come in the order of its life, with their required data.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-008'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'job.enqueued, started, completed, failed, discarded.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'job.retrying, cancelled, heartbeat.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005', 'OJS-L1-HBT-010'],
    },
    { ref: 'ojs-events §5.1', must: 'job.scheduled, job.expired.', cases: ['OJS-L2-DLY-003', 'OJS-L2-TTL-002'] },
    { ref: 'ojs-events §5.1', must: 'cron.triggered, cron.skipped.', cases: ['OJS-L2-CRN-013', 'OJS-L2-CRN-014'] },
    {
      ref: 'ojs-events §5.1; ojs-workflows App. B',
      must: 'workflow.created, started, step_* and job_*, callback_fired, completed, failed, cancelled.',
      cases: ['OJS-L3-EVT-001', 'OJS-L3-EVT-002', 'OJS-L3-EVT-003', 'OJS-L3-BAT-004'],
    },
    { ref: 'ojs-events §3.2', must: 'job.progress.', cases: ['OJS-L1-REP-001'] },
    { ref: 'ojs-events §5.1', must: 'queue.paused, queue.resumed.', cases: ['OJS-L4-PAU-001', 'OJS-L0-EVT-005'] },
    { ref: 'ojs-events §3.4', must: 'worker.started, quiet, stopped.', cases: ['OJS-L1-WRK-002'] },
    {
      ref: 'ojs-timeouts §11.1',
      must: 'job.timeout, stalled, ttl_expired, total_timeout.',
      cases: ['OJS-L1-TMO-006', 'OJS-L1-HBT-011', 'OJS-L1-TMO-007', 'OJS-L2-TTL-007'],
    },
    { ref: 'ojs-events §8.3', must: 'A trace id of meta is in the events.', cases: ['OJS-L0-EVT-007'] },
    {
      ref: 'ojs-events §6',
      must: 'Filters are combined by and; cursors skip nothing; nonsense is refused.',
      cases: ['OJS-L0-EVT-002', 'OJS-L0-EVT-003', 'OJS-L0-EVT-006', 'OJS-L3-EVT-004'],
      tests: [['packages/server/test/engine/events.test.ts', 'a cursor before the oldest event kept tells of the gap']],
    },
    {
      ref: 'ojs-events §10.2',
      must: 'A return to the queue is no second job.enqueued.',
      cases: ['OJS-L0-EVT-009', 'OJS-L1-RTR-020'],
    },
  ],
};
