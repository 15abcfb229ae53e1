import type { Mutation } from './mutation.ts';

export const operations: readonly Mutation[] = [
  {
    name: 'list-without-status',
    rule: 'deviations X20',
    in: 'server/queues: render',
    find: 'paused: queue.paused,',
    replace: '',
    cases: ['OJS-L1-QUE-002'],
  },

  {
    name: 'stats-without-mirror',
    rule: 'deviations X20',
    in: 'server: queueStats',
    find: '...counts, paused,',
    replace: 'paused,',
    cases: ['OJS-L1-QUE-003'],
  },
  {
    name: 'any-queue-name',
    rule: 'ojs-core §5.1; deviations X31',
    in: 'server: checkName',
    find: 'if (!isQueueName(name))',
    replace: "if (name === '')",
    cases: ['OJS-L1-QUE-004'],
  },

  {
    name: 'dead-letter-of-every-queue',
    rule: 'ojs-http-binding §12',
    in: 'core: readSubject',
    find: '...(queue !== null && { queue }),',
    replace: '',
    cases: ['OJS-L1-DLQ-001', 'OJS-L1-DLQ-005', 'OJS-L1-RTR-013'],
  },

  {
    name: 'page-cursor-ignored',
    rule: 'ojs-http-binding §17',
    in: 'core/requests: readPage',
    find: 'cursor: query.cursor ?? null',
    replace: 'cursor: null',
    cases: ['OJS-L1-DLQ-002'],
  },

  {
    name: 'retry-stays-in-dead-letter',
    rule: 'ojs-http-binding §12.2',
    in: 'server: DeadLetter.retry',
    find: 'return this.#lifecycle.retry(id, key, override);',
    replace:
      'return this.get(id).then((job) => ({ job: { ...job, state: 2 as never, attempt: 0 }, from: job.state }));',
    cases: ['OJS-L1-DLQ-003', 'OJS-L1-DLQ-004', 'OJS-L1-IDE-005'],
  },

  {
    name: 'idempotency-key-ignored',
    rule: 'x-idempotency-key',
    in: 'server: bindingRequest',
    find: "typeof key === 'string' && key !== '' ? key : null",
    replace: 'null',
    cases: ['OJS-L1-IDE-001', 'OJS-L1-IDE-002', 'OJS-L1-IDE-003', 'OJS-L1-IDE-006'],
  },

  {
    name: 'exchange-drops-nacks',
    rule: 'x-exchange',
    in: 'server: exchange',
    find: "nackOutcomes.join(',')",
    replace: "[].join(',')",
    cases: ['OJS-L1-EXC-001', 'OJS-L1-EXC-002'],
  },
];
