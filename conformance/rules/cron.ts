import type { Section } from './rule.ts';

export const cron: Section = {
  title: 'Cron',
  rules: [
    {
      ref: 'ojs-cron §8.1; deviations X21',
      must: 'Both dialects in and out, both wrappers.',
      cases: ['OJS-L2-CRN-001', 'OJS-L2-CRN-002', 'OJS-L2-CRN-005'],
    },
    {
      ref: 'ojs-cron CRON-26',
      must: 'A second registration updates: 200, runs and creation kept, next run anew.',
      cases: ['OJS-L2-CRN-003'],
    },
    {
      ref: 'ojs-cron §8',
      must: 'Read, list, change, delete; an unknown name is 404; delete leaves jobs.',
      cases: ['OJS-L2-CRN-004', 'OJS-L2-CRN-005', 'OJS-L2-CRN-006', 'OJS-L2-CRN-007'],
    },
    { ref: 'ojs-cron §2.2', must: 'Names: the pattern, at most 255.', cases: ['OJS-L2-CRN-023'] },
    {
      ref: 'ojs-cron §3, §4',
      must: 'The grammar: five fields, lists, ranges, steps, names, aliases; six fields, L, W, #, @every.',
      cases: ['OJS-L2-CRN-009', 'OJS-L2-CRN-026'],
      tests: [['packages/core/test/cron/oracle.test.ts', 'the days are those of the oracle from 2018 to 2066']],
    },
    {
      ref: 'ojs-cron §3.5',
      must: 'A bad expression, and a job that could not be enqueued, is refused.',
      cases: ['OJS-L2-CRN-008', 'OJS-L2-CRN-022'],
    },
    {
      ref: 'ojs-cron CRON-13, CRON-14',
      must: 'Only IANA zones: no offset, no abbreviation.',
      cases: ['OJS-L2-CRN-010', 'OJS-L2-CRN-011'],
    },
    {
      ref: 'ojs-cron CRON-16, CRON-17',
      must: 'A local time that is left out does not fire; one that comes twice fires once, the first time.',
      cases: ['OJS-L2-CRN-012'],
      tests: [['packages/core/test/cron/oracle.test.ts', 'every second of a day with a change']],
    },
    {
      ref: 'ojs-cron §5.2, §9.2',
      must: 'A local time that is left out is told: cron.skipped with dst_skip.',
      cases: [],
      tests: [
        [
          'packages/core/test/cron/definition.test.ts',
          'a local time that does not exist is told with the run before it',
        ],
      ],
      why: 'no case can wait for a change of the clocks',
    },
    { ref: 'ojs-cron §6.3', must: 'A run carries cron_name and cron_triggered_at in meta.', cases: ['OJS-L2-CRN-013'] },
    {
      ref: 'ojs-cron §6.2; deviations X42',
      must: 'skip, the default: no run while the one before has not ended, in any state.',
      cases: ['OJS-L2-CRN-014', 'OJS-L2-CRN-028'],
    },
    {
      ref: 'ojs-cron §6.1',
      must: 'allow, cancel_previous and enqueue; with enqueue never two at once.',
      cases: ['OJS-L2-CRN-015', 'OJS-L2-CRN-016', 'OJS-L2-CRN-017', 'OJS-L2-CRN-018'],
    },
    {
      ref: 'ojs-cron §2.2',
      must: 'next_run_at at registration and after every run, in UTC; null where disabled, which does not fire.',
      cases: ['OJS-L2-CRN-001', 'OJS-L2-CRN-006', 'OJS-L2-CRN-011', 'OJS-L2-CRN-020'],
    },
    {
      ref: 'ojs-cron §7.3',
      must: 'After a pause at most one run catches up.',
      cases: [],
      tests: [
        ['packages/core/test/cron/definition.test.ts', 'however many were missed, one run, and the next in the future'],
      ],
      why: 'a case cannot stop the server',
    },
    {
      ref: 'ojs-cron §7.1',
      must: 'One run a time, however many servers look; failover within 30 s.',
      cases: [],
      tests: [['packages/server/test/engine/crons.test.ts', 'any number of servers fire a tick once']],
      why: 'cases meet one server',
    },
    { ref: 'ojs-cron §7.3; deviations X42', must: 'Evaluated at most once a second.', cases: ['OJS-L2-CRN-026'] },
    { ref: 'deviations X19', must: 'A cron enqueues into a paused queue.', cases: ['OJS-L2-CRN-025'] },
    {
      ref: 'docs/http.md',
      must: 'Runs by hand, next runs, preview, other paths.',
      cases: ['OJS-L2-CRN-019', 'OJS-L2-CRN-021', 'OJS-L2-CRN-027'],
    },
  ],
};
