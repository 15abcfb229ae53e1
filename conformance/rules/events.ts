import type { Section } from './rule.ts';

export const events: Section = {
  title: 'Events',
  rules: [
    {
      ref: 'ojs-events §2; deviations X27',
      must: 'The event envelope has its mirror fields. Ids are unique and stable.',
      cases: ['OJS-L0-EVT-004'],
    },
    {
      ref: 'ojs-events §4.1, §9.2',
      must: 'The events of a job come in order, with their required data.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-008'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'The server writes job.enqueued, started, completed, failed and discarded.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'The server writes job.retrying, cancelled and heartbeat.',
      cases: ['OJS-L0-EVT-001', 'OJS-L0-EVT-005', 'OJS-L1-HBT-010'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'The server writes job.scheduled and job.expired.',
      cases: ['OJS-L2-DLY-003', 'OJS-L2-TTL-002'],
    },
    {
      ref: 'ojs-events §5.1',
      must: 'The server writes cron.triggered and cron.skipped.',
      cases: ['OJS-L2-CRN-013', 'OJS-L2-CRN-014'],
    },
    {
      ref: 'ojs-events §5.1; ojs-workflows App. B',
      must: 'The server writes workflow.created, started, step_*, job_*, callback_fired, completed, failed and cancelled.',
      cases: ['OJS-L3-EVT-001', 'OJS-L3-EVT-002', 'OJS-L3-EVT-003', 'OJS-L3-BAT-004'],
    },
    { ref: 'ojs-events §3.2', must: 'The server writes job.progress.', cases: ['OJS-L1-REP-001'] },
    {
      ref: 'ojs-events §5.1',
      must: 'The server writes queue.paused and queue.resumed.',
      cases: ['OJS-L4-PAU-001', 'OJS-L0-EVT-005'],
    },
    { ref: 'ojs-events §3.4', must: 'The server writes worker.started, quiet and stopped.', cases: ['OJS-L1-WRK-002'] },
    {
      ref: 'ojs-timeouts §11.1',
      must: 'The server writes job.timeout, stalled, ttl_expired and total_timeout.',
      cases: ['OJS-L1-TMO-006', 'OJS-L1-HBT-011', 'OJS-L1-TMO-007', 'OJS-L2-TTL-007'],
    },
    { ref: 'ojs-events §8.3', must: 'Events carry the trace id of the job’s meta.', cases: ['OJS-L0-EVT-007'] },
    {
      ref: 'ojs-events §6',
      must: 'All filters must match. Cursors skip nothing. The server refuses bad filters.',
      cases: ['OJS-L0-EVT-002', 'OJS-L0-EVT-003', 'OJS-L0-EVT-006', 'OJS-L3-EVT-004'],
      tests: [
        ['packages/server/test/realtime/log/events.test.ts', 'a cursor before the oldest event kept reports the gap'],
      ],
    },
    {
      ref: 'ojs-events §10.2',
      must: 'A job that returns to its queue causes no second job.enqueued.',
      cases: ['OJS-L0-EVT-009', 'OJS-L1-RTR-020'],
    },
  ],
};
