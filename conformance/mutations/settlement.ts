// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are source code
import type { Mutation } from './mutation.ts';

export const settlement: readonly Mutation[] = [
  {
    name: 'ack-without-id',
    rule: 'ojs-http-binding §10.2',
    in: 'server: settledMembers',
    find: '"acknowledged":true,${head},',
    replace: '"acknowledged":true,',
    cases: ['OJS-L0-SET-001'],
  },

  {
    name: 'error-optional',
    rule: 'ojs-http-binding §10.3',
    in: 'core: readFailure',
    find: 'if (error === null && !requeue) issues',
    replace: 'if (error === null && requeue === null) issues',
    cases: ['OJS-L0-SET-007'],
  },

  {
    name: 'only-last-error',
    rule: 'ojs-errors §6.2',
    in: 'core: appendHistory',
    find: 'if (entries.length <= maxHistory) return `${history},${entry}`;',
    replace: 'return entry;',
    cases: ['OJS-L0-SET-009', 'OJS-L0-SET-010'],
  },

  {
    name: 'no-occurred-at',
    rule: 'ojs-errors §6.2',
    in: 'core: errorText',
    find: ',"occurred_at":"${time}"',
    replace: '',
    cases: ['OJS-L0-SET-008', 'OJS-L0-SET-009'],
  },

  {
    name: 'requeue-is-failure',
    rule: 'official L1-WRK-003',
    in: 'core: readFailure',
    find: "top.find('requeue')",
    replace: "top.find('requeued')",
    cases: ['OJS-L0-SET-011', 'OJS-L0-SET-012'],
  },

  {
    name: 'batch-of-a-hundred',
    rule: 'ojs-json-format §8.3',
    in: 'core: maxBatchJobs',
    find: 'export const maxBatchJobs = 10_000;',
    replace: 'export const maxBatchJobs = 100;',
    cases: ['OJS-L0-SET-015'],
  },
  {
    name: 'empty-batch',
    rule: 'ojs-http-binding §9.2; deviations X37',
    in: 'core: readEnvelopes',
    find: 'jobs.length === 0 || jobs.length > maxBatchJobs',
    replace: 'jobs.length > maxBatchJobs',
    cases: ['OJS-L0-SET-016'],
  },
];
