import type { Mutation } from './mutation.ts';

export const lifecycle: readonly Mutation[] = [
  {
    name: 'attempt-not-counted',
    rule: 'deviations X12',
    in: 'core: claimed',
    find: 'attempt: job.attempt + 1,',
    replace: 'attempt: job.attempt,',
    cases: ['OJS-L0-LIF-009', 'OJS-L0-LIF-015', 'OJS-L0-SET-004'],
  },
  {
    name: 'ack-from-available',
    rule: 'ojs-core §6.4',
    in: 'core: completed',
    find: 'State.active',
    replace: 'State.active | State.available',
    cases: ['OJS-L0-LIF-010', 'OJS-L0-SYS-007'],
  },
  {
    name: 'ack-from-any',
    rule: 'ojs-core §6.4',
    in: 'core: completed',
    find: 'State.active',
    replace: '255',
    cases: ['OJS-L0-LIF-008', 'OJS-L0-LIF-011', 'OJS-L0-SYS-007'],
  },

  {
    name: 'result-dropped',
    rule: 'ojs-core §5.3; deviations X12',
    in: 'core: completed',
    find: 'to: State.completed,\n    result,',
    replace: 'to: State.completed,\n    result: null,',
    cases: ['OJS-L0-LIF-001', 'OJS-L0-SET-002'],
  },
  {
    name: 'result-null-rendered',
    rule: 'ojs-core §5.3; deviations X17',
    in: 'core: renderJob',
    find: 'if (result !== null) text +=',
    replace: 'if (state === State.completed) text +=',
    cases: ['OJS-L0-SET-003'],
  },

  {
    name: 'errors-dropped-on-ack',
    rule: 'ojs-core §5.3; deviations X12',
    in: 'core: renderHistory',
    find: 'return errors.length === 0 ? text',
    replace: 'return errors.length === 0 || record.state === State.completed ? text',
    cases: ['OJS-L0-SET-004'],
  },

  {
    name: 'no-cancel-of-retryable',
    rule: 'ojs-core §7.6',
    in: 'core: Waiting',
    find: 'State.pending | State.retryable;',
    replace: 'State.pending;',
    cases: ['OJS-L0-LIF-007'],
  },
  {
    name: 'expiry-sets-completed',
    rule: 'deviations X14',
    in: 'core: ranOut',
    find: "return entry?.kind === 'expired' &&",
    replace: "return entry?.kind === 'failed' &&",
    cases: ['OJS-L0-LIF-012', 'OJS-L0-LIF-013', 'OJS-L0-SET-006'],
  },

  {
    name: 'enqueued-at-creation',
    rule: 'deviations X15',
    in: 'core: recordOf',
    find: 'job.state === State.available ? job.createdAt : null',
    replace: 'job.createdAt',
    cases: ['OJS-L0-ENV-018', 'OJS-L0-LIF-002', 'OJS-L0-LIF-004'],
  },

  {
    name: 'activation-ignores-schedule',
    rule: 'ojs-core §6.1; ojs-http-binding §7.8',
    in: 'core: activated',
    find: 'if (job.runAt <= now) return',
    replace: 'if (job.runAt > 0) return',
    cases: ['OJS-L0-LIF-005'],
  },

  {
    name: 'previous-state-wrong',
    rule: 'ojs-core §6.1',
    in: 'core: changedReply',
    find: 'stateName(from)',
    replace: 'stateName(job.state)',
    cases: ['OJS-L0-LIF-004', 'OJS-L0-LIF-006', 'OJS-L0-LIF-007'],
  },
  {
    name: 'read-counts-as-attempt',
    rule: 'ojs-core §7.7',
    in: 'server/memory: jobs',
    find: 'tables.rows.get(id)?.job ?? null',
    replace:
      '{\n        const row = tables.rows.get(id);\n        if (row) row.job = { ...row.job, priority: row.job.priority + 1 };\n        return row?.job ?? null;\n      }',
    cases: ['OJS-L0-LIF-015'],
  },

  {
    name: 'unknown-get-is-400',
    rule: 'ojs-http-binding §16.3',
    in: 'core: missingJob',
    find: "'not_found'",
    replace: "'invalid_request'",
    cases: ['OJS-L0-LIF-016', 'OJS-L0-LIF-017', 'OJS-L0-SYS-007'],
  },
];
