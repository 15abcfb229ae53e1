import type { Section } from './rule.ts';

export const unique: Section = {
  title: 'Unique jobs',
  rules: [
    {
      ref: 'ojs-unique-jobs §3',
      must: 'keys chooses among type, queue, args and meta. type always counts.',
      cases: ['OJS-L4-UNQ-002'],
    },
    {
      ref: 'ojs-unique-jobs §2.2; deviations X18',
      must: 'args_keys and meta_keys choose parts of args and meta. The server refuses a key that args do not have.',
      cases: ['OJS-L4-UNQ-002', 'OJS-L4-UNQ-003'],
    },
    {
      ref: 'ojs-unique-jobs §2.2',
      must: 'The server refuses unknown dimensions, states and conflict strategies, bad periods, and meta without meta_keys.',
      cases: ['OJS-L4-UNQ-010'],
    },
    {
      ref: 'deviations X18',
      must: 'The server reads the older field key in all its meanings.',
      cases: ['OJS-L4-UNQ-011'],
    },
    {
      ref: 'ojs-unique-jobs §4',
      must: 'The fingerprint is deterministic: SHA-256 of canonical JSON in NFC.',
      cases: ['OJS-L4-UNQ-012'],
      tests: [['packages/core/test/lifecycle/unique.test.ts', 'the spelling of what counts makes no difference']],
    },
    {
      ref: 'ojs-unique-jobs §7',
      must: 'A period starts with the creation of the existing job.',
      cases: ['OJS-L4-UNQ-004'],
    },
    {
      ref: 'ojs-unique-jobs §6',
      must: 'By default every job that has not ended holds its key. The states of the new request can choose others.',
      cases: ['OJS-L4-UNQ-005', 'OJS-L4-UNQ-006'],
    },
    {
      ref: 'ojs-unique-jobs §5.1',
      must: 'reject answers 409 with the existing job and the key.',
      cases: ['OJS-L4-UNQ-001'],
    },
    {
      ref: 'ojs-unique-jobs §5.4',
      must: 'ignore answers 200 with the existing job and deduplicated.',
      cases: ['OJS-L4-UNQ-007'],
    },
    {
      ref: 'ojs-unique-jobs §5.2',
      must: 'replace cancels the existing job, even an active one.',
      cases: ['OJS-L4-UNQ-008'],
    },
    {
      ref: 'ojs-unique-jobs §5.3',
      must: 'replace_except_schedule updates a scheduled job in place.',
      cases: ['OJS-L4-UNQ-009'],
    },
    {
      ref: 'ojs-unique-jobs §9.2',
      must: 'The server checks uniqueness at enqueue only.',
      cases: ['OJS-L4-UNQ-014', 'OJS-L1-DLQ-009'],
    },
    {
      ref: 'ojs-http-binding §7.2',
      must: 'A conflict refuses the whole batch and names the index. Jobs of one batch conflict with each other too.',
      cases: ['OJS-L4-UNQ-013'],
    },
    {
      ref: 'ojs-unique-jobs §5.3',
      must: 'A batch updates scheduled jobs in place, its own included. A refused batch updates none.',
      cases: ['OJS-L4-UNQ-015'],
    },
    {
      ref: 'ojs-unique-jobs §14',
      must: 'Exactly one of many concurrent enqueues creates the job.',
      cases: [],
      tests: [['conformance/test/beyond.test.ts', 'exactly one creates the job']],
      why: 'cases run step by step',
    },
    {
      ref: 'ojs-unique-jobs §12',
      must: 'Fingerprints are not logged above debug.',
      cases: [],
      why: 'not observable: no statement logs one',
    },
  ],
};
