import type { Section } from './rule.ts';

export const cron: Section = {
  title: 'Cron',
  rules: [
    {
      ref: 'ojs-cron §8.1; deviations X21',
      must: 'The server reads and answers both dialects of a cron, with both wrappers.',
      cases: ['OJS-L2-CRN-001', 'OJS-L2-CRN-002', 'OJS-L2-CRN-005'],
    },
    {
      ref: 'ojs-cron CRON-26',
      must: 'A second registration updates the cron with 200. Runs and creation time stay; with another expression or zone the next run is computed again.',
      cases: ['OJS-L2-CRN-003'],
    },
    {
      ref: 'ojs-cron §8',
      must: 'Crons can be read, listed, changed and deleted. An unknown name is 404. Deletion leaves enqueued jobs.',
      cases: ['OJS-L2-CRN-004', 'OJS-L2-CRN-005', 'OJS-L2-CRN-006', 'OJS-L2-CRN-007'],
    },
    {
      ref: 'ojs-cron §2.2',
      must: 'A cron name fits the pattern and has at most 255 characters.',
      cases: ['OJS-L2-CRN-023'],
    },
    {
      ref: 'ojs-cron §3, §4',
      must: 'The grammar has five fields, lists, ranges, steps, names and aliases; also six fields, L, W, # and @every.',
      cases: ['OJS-L2-CRN-009', 'OJS-L2-CRN-026'],
      tests: [['packages/core/test/cron/oracle.long.ts', 'the days are those of the oracle from 2018 to 2066']],
    },
    {
      ref: 'ojs-cron §3.5',
      must: 'The server refuses a bad expression, and a job that it could not enqueue.',
      cases: ['OJS-L2-CRN-008', 'OJS-L2-CRN-022'],
    },
    {
      ref: 'ojs-cron CRON-13, CRON-14',
      must: 'The server accepts only IANA zones, no offsets and no abbreviations.',
      cases: ['OJS-L2-CRN-010', 'OJS-L2-CRN-011'],
    },
    {
      ref: 'ojs-cron CRON-16, CRON-17',
      must: 'A skipped local time does not fire. A repeated local time fires once, the first time.',
      cases: ['OJS-L2-CRN-012'],
      tests: [['packages/core/test/cron/oracle.long.ts', 'every second of a day with a change']],
    },
    {
      ref: 'ojs-cron §5.2, §9.2',
      must: 'The server reports a skipped local time as cron.skipped with dst_skip.',
      cases: [],
      tests: [
        [
          'packages/core/test/cron/definition.test.ts',
          'the event of a run lists local times after it that do not exist',
        ],
      ],
      why: 'no case can wait for a change of the clocks',
    },
    { ref: 'ojs-cron §6.3', must: 'A run carries cron_name and cron_triggered_at in meta.', cases: ['OJS-L2-CRN-013'] },
    {
      ref: 'ojs-cron §6.2; deviations X42',
      must: 'skip, the default, starts no run while an earlier one has not ended.',
      cases: ['OJS-L2-CRN-014', 'OJS-L2-CRN-028'],
    },
    {
      ref: 'ojs-cron §6.1',
      must: 'The server supports allow, cancel_previous and enqueue. With enqueue two runs are never active together.',
      cases: ['OJS-L2-CRN-015', 'OJS-L2-CRN-016', 'OJS-L2-CRN-017', 'OJS-L2-CRN-018'],
    },
    {
      ref: 'ojs-cron §2.2',
      must: 'The server sets next_run_at in UTC at registration and after every run. A disabled cron has null and does not fire.',
      cases: ['OJS-L2-CRN-001', 'OJS-L2-CRN-006', 'OJS-L2-CRN-011', 'OJS-L2-CRN-020'],
    },
    {
      ref: 'ojs-cron §7.3',
      must: 'After a downtime at most one missed run starts.',
      cases: [],
      tests: [
        ['packages/core/test/cron/definition.test.ts', 'however many were missed, one run, and the next in the future'],
      ],
      why: 'a case cannot stop the server',
    },
    {
      ref: 'ojs-cron §7.1',
      must: 'Each tick fires once, however many servers run. Failover takes at most 30 s.',
      cases: [],
      tests: [['packages/server/test/engine/crons.test.ts', 'any number of servers fire a tick once']],
      why: 'cases meet one server',
    },
    {
      ref: 'ojs-cron §7.3; deviations X42',
      must: 'The server evaluates a cron at most once a second.',
      cases: ['OJS-L2-CRN-026'],
    },
    { ref: 'deviations X19', must: 'A cron enqueues into a paused queue.', cases: ['OJS-L2-CRN-025'] },
    {
      ref: 'docs/http.md',
      must: 'A cron can be triggered by hand. The server answers its next runs, a preview, and the other paths.',
      cases: ['OJS-L2-CRN-019', 'OJS-L2-CRN-021', 'OJS-L2-CRN-027'],
    },
  ],
};
